import { Command } from 'commander'
import { AmcpError } from '../core/errors.ts'
import { agentsCommand } from './commands/agents.ts'
import { callCommand } from './commands/call.ts'
import { initCommand } from './commands/init.ts'
import { inviteCommand } from './commands/invite.ts'
import { joinCommand } from './commands/join.ts'
import { publishCommand } from './commands/publish.ts'
import { tapCommand } from './commands/tap.ts'
import { upCommand } from './commands/up.ts'
import { exitCodeHelp } from './exit-codes.ts'
import { describeFault } from './output.ts'
import type { Surroundings } from './surroundings.ts'

/** The `amcp` command; everything it touches comes with the surroundings. */
export function createProgram(surroundings: Surroundings): Command {
  const program = new Command('amcp')
    .description('Agents that find each other, talk, call each other: a mesh with no broker in the middle.')
    .version(surroundings.version)
    .addHelpText('after', beginning)
    .addHelpText('after', exitCodeHelp)
    .exitOverride()
    .configureOutput({
      writeOut: surroundings.write,
      writeErr: surroundings.writeError,
      outputError: (text, write) => write(surroundings.json ? usageFault(text) : text),
    })
  if (!surroundings.json) program.showHelpAfterError('(amcp --help says more)')
  const commands = [
    initCommand,
    inviteCommand,
    joinCommand,
    upCommand,
    agentsCommand,
    callCommand,
    publishCommand,
    tapCommand,
  ]
  for (const make of commands) {
    const command = make(surroundings)
    program.addCommand(command.copyInheritedSettings(program))
    if (!surroundings.json) command.showHelpAfterError(`(amcp ${command.name()} --help says more)`)
  }
  return program
}

const beginning = `
Begin with:
  amcp init && amcp up                  found a mesh and run its first context
  amcp tap                              in another terminal: see its events
  amcp publish amcp.domain.hello 1      in a third: publish one`

/** What Commander says of wrong usage, as the JSON line of any other fault. */
function usageFault(text: string): string {
  const message = text.trim().replace(/^error: /, '')
  return `${describeFault(new AmcpError('ERR_USAGE', message), true)}\n`
}
