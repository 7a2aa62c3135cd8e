import { Command } from 'commander'
import { agentsCommand } from './commands/agents.ts'
import { callCommand } from './commands/call.ts'
import { initCommand } from './commands/init.ts'
import { inviteCommand } from './commands/invite.ts'
import { joinCommand } from './commands/join.ts'
import { publishCommand } from './commands/publish.ts'
import { tapCommand } from './commands/tap.ts'
import { upCommand } from './commands/up.ts'
import type { Surroundings } from './surroundings.ts'

/** The `amcp` command; everything it touches comes with the surroundings. */
export function createProgram(surroundings: Surroundings): Command {
  const program = new Command('amcp')
    .description('Agents that find each other, talk, call each other: a mesh with no broker in the middle.')
    .showHelpAfterError('(amcp --help says more)')
    .exitOverride()
    .configureOutput({ writeOut: surroundings.write, writeErr: surroundings.writeError })
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
  for (const make of commands)
    program.addCommand(make(surroundings).exitOverride().configureOutput(program.configureOutput()))
  return program
}
