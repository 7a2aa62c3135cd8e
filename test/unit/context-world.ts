import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { EventBroker } from '../../src/broker/event-broker.ts'
import { memoryBroker } from '../../src/broker/memory/memory-broker.ts'
import { type Context, type LinkListener, MeshContext } from '../../src/context.ts'
import { agentMint } from '../../src/context-agents.ts'
import { Counters } from '../../src/core/counters.ts'
import { contextIdOf } from '../../src/core/ids.ts'
import type { LifeCycle } from '../../src/core/life-cycle.ts'
import { type Logger, silentLogger } from '../../src/core/logger.ts'
import type { Ports } from '../../src/core/ports.ts'
import { SeededRandom } from '../../src/core/seeded-random.ts'
import { simulatedCrypto } from '../../src/core/simulated-crypto.ts'
import { VirtualClock } from '../../src/core/virtual-clock.ts'
import { TopicSchemas } from '../../src/events/schemas.ts'
import type { Members, Offer } from '../../src/membership/members.ts'

export interface Lonely {
  readonly context: MeshContext & Context
  readonly clock: VirtualClock
  readonly ports: Ports
  readonly broker: EventBroker
  /** What was announced, each time. */
  readonly announced: (readonly Offer[])[]
  /** What the foundation did. */
  readonly log: string[]
  /** Rejects the next announcement. */
  failAnnouncement: Error | undefined
  lose(context: string): void
  /** Resolves the announcements that wait. */
  acknowledge: () => void
  holdAnnouncements: boolean
}

/** A context on a memory broker whose mesh is empty. */
export function lonely(
  schemas: ConstructorParameters<typeof TopicSchemas>[0] = {},
  logger: Logger = silentLogger,
): Lonely {
  const clock = new VirtualClock()
  const ports: Ports = {
    clock,
    random: new SeededRandom(1),
    crypto: simulatedCrypto(),
    logger,
    counters: new Counters(),
  }
  const { publicKey } = ports.crypto.signingKey(ports.random.bytes(32))
  const self = contextIdOf(publicKey)
  const log: string[] = []
  const part = (name: string): LifeCycle => ({
    start: async () => void log.push(`+${name}`),
    stop: async () => void log.push(`-${name}`),
  })
  const broker = memoryBroker(ports)
  const links = new Set<LinkListener>()
  const world: { -readonly [Key in keyof Lonely]: Lonely[Key] } = {
    clock,
    ports,
    broker,
    log,
    announced: [],
    failAnnouncement: undefined,
    holdAnnouncements: false,
    acknowledge: () => {},
    lose: (context) => {
      for (const listener of links) listener.disconnected(context)
    },
    context: undefined as never,
  }
  const members = {
    self,
    present: [],
    isConverged: true,
    unconfirmed: ['somebody'],
    contextOfAgent: () => undefined,
    offersOf: () => ({ offers: [], complete: true }),
    onChange: () => () => {},
    holdLinks: () => {},
    announceOffers: async (offers: readonly Offer[]) => {
      if (world.failAnnouncement !== undefined) throw world.failAnnouncement
      world.announced.push(offers)
      if (world.holdAnnouncements) await new Promise<void>((resolve) => Object.assign(world, { acknowledge: resolve }))
    },
  } as unknown as Members
  world.context = new MeshContext(
    {
      ports,
      members,
      broker,
      mint: agentMint(ports, publicKey),
      security: { tokenOf: () => ({ bytes: new Uint8Array(), hash: new Uint8Array() }), forget: () => {} },
      schemas: new TopicSchemas(schemas),
      neighbours: () => [],
      addresses: () => ['/ip4/127.0.0.1/tcp/1'],
      lanes: { isOpen: () => true, reach: async () => {} },
      onLink: (listener) => {
        links.add(listener)
        return () => links.delete(listener)
      },
      foundation: [part('network'), broker],
    },
    {},
  )
  return world
}

/** A new folder, which goes with the test that asked for it. */
export async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'amcp-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}
