import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Command } from 'commander'
import type { AgentDefinition } from '../../agent/definition.ts'
import type { Context } from '../../context.ts'
import { AmcpError } from '../../core/errors.ts'
import { createContext } from '../../create-context.ts'
import { counted } from '../output.ts'
import { serveControl } from '../serve-context.ts'
import { type CommonOptions, outputOf, type Surroundings, withCommonOptions } from '../surroundings.ts'

interface UpOptions extends CommonOptions {
  readonly listen?: readonly string[]
  readonly announce?: readonly string[]
  readonly join: readonly string[]
  readonly mdns: boolean
  readonly agents: readonly string[]
}

const examples = `
Examples:
  amcp up --agents ./analyzer.ts            for this machine alone
  amcp up --mdns                            for the local network: members find each other
  amcp up --listen /ip4/0.0.0.0/tcp/4001    for others who are told an address of this machine
  amcp up -f b --join /ip4/…/p2p/…          dials what another amcp up printed`

export function upCommand(surroundings: Surroundings): Command {
  return withCommonOptions(new Command('up'))
    .description(
      'Runs the context of a folder until it is told to stop (Ctrl-C), with the agents of the modules given.',
    )
    .option(
      '-l, --listen <multiaddr...>',
      'where to listen (default: for this machine alone, with --mdns on all interfaces)',
    )
    .option('--announce <multiaddr...>', 'where else others reach it: what a router forwards here, without /p2p/')
    .option('-j, --join <multiaddr...>', 'members to dial, beside those of mesh.json', [])
    .option('--mdns', 'find members in the local network, and be found by them', false)
    .option('--agents <module...>', 'modules whose exported definitions are spawned', [])
    .addHelpText('after', examples)
    .action(async (options: UpOptions) => {
      const output = outputOf(surroundings, options)
      const { folder, listen, announce, join, mdns, agents } = options
      const { stopped } = surroundings
      const down = new AbortController()
      const context = await createContext({
        folder,
        ...(listen === undefined ? {} : { listen }),
        ...(announce === undefined ? {} : { announce }),
        bootstrap: join,
        mdns,
        signal: stopped,
        onFault: (fault) => down.abort(fault),
      })
      try {
        const spawned = await spawnAll(context, agents)
        await using _control = await serveControl(folder, context)
        await context.announced()
        const { id, addresses, members } = context
        output.fact(
          [
            `Up as ${id}, with ${counted(members.length, 'other member')} and ${counted(spawned, 'agent')}.`,
            ...addresses.map((one) => `  ${one}`),
          ].join('\n'),
          { context: id, addresses, members, agents: spawned },
        )
        if (members.length === 0 && join.length > 0)
          output.note('Nobody answered where it was to join: it is alone, and goes on trying.', { alone: true, join })
        await aborted(AbortSignal.any([stopped, down.signal]))
        down.signal.throwIfAborted()
        output.note('Draining, for 10 s at most … (again Ctrl-C: at once)', { draining: true })
      } finally {
        await context.stop()
      }
    })
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((done) => {
    if (signal.aborted) done()
    else signal.addEventListener('abort', () => done(), { once: true })
  })

/** Spawns every definition that the modules export; returns how many. ERR_USAGE for a module without one. */
async function spawnAll(context: Context, modules: readonly string[]): Promise<number> {
  let spawned = 0
  for (const path of modules) {
    const exported = Object.values(await loaded(path))
    const definitions = exported.filter(isDefinition)
    if (definitions.length === 0)
      throw new AmcpError('ERR_USAGE', `${path} exports no agent definition: see defineAgent`)
    for (const definition of definitions) {
      await context.spawn(definition, { name: definition.type })
      spawned += 1
    }
  }
  return spawned
}

async function loaded(path: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(resolve(path)).href)) as Record<string, unknown>
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new AmcpError('ERR_USAGE', `the agents of ${path} cannot be loaded: ${why}`, { cause, details: { path } })
  }
}

const isDefinition = (value: unknown): value is AgentDefinition =>
  typeof value === 'object' && value !== null && 'type' in value && 'capabilities' in value && 'mailboxLimit' in value
