import { defineAgent } from '../../src/agent/define-agent.ts'
import type { Context } from '../../src/context.ts'
import type { ContextOptions } from '../../src/context-options.ts'
import { Counters } from '../../src/core/counters.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { memoryStore } from '../../src/core/memory-store.ts'
import { nodeCrypto } from '../../src/core/node-crypto.ts'
import { sleep } from '../../src/core/sleep.ts'
import { createContext } from '../../src/create-context.ts'
import { foundMemoryMesh } from '../../src/identity/context-identity.ts'
import { SeededRandom, simulatedSwarm, VirtualClock } from '../../src/sim/index.ts'
import { CredentialBytes } from './harness/credential-bytes.ts'
import { printFigure, quick } from './harness/pairs.ts'

/**
 * Bytes that credentials cost an event and receiver: 1,000 agents of one context publish once a second each, at instants
 * of their own, to two contexts, for five minutes of virtual time. Real keys and signatures, so real lengths.
 */
const AGENTS = 1_000
const RECEIVERS = 2
const EVERY = 1_000
const SECONDS = quick ? 60 : 300
const BAR = 60
const LANES = ['direct', 'gossip'] as const

interface Outcome {
  readonly bytes: CredentialBytes
  readonly published: number
  readonly received: number
}

async function run(lane: (typeof LANES)[number]): Promise<Outcome> {
  const clock = new VirtualClock()
  const random = new SeededRandom(`tokens ${lane}`)
  const crypto = nodeCrypto()
  const swarm = simulatedSwarm({ clock, crypto, random: random.fork('swarm') })
  const mesh = foundMemoryMesh({ clock, crypto, random: random.fork('mesh') }, 'bench')
  const bytes = new CredentialBytes()
  let spawned = 0
  let published = 0
  let received = 0
  let isQuiet = false

  const start = async (name: string, bootstrap: readonly string[]): Promise<Context> => {
    const own = random.fork(name)
    const identity = mesh.member(own.bytes(32))
    const counters = new Counters()
    const ports = { clock, random: own, crypto, logger: silentLogger, counters }
    const network = bytes.watch(swarm.network(identity.seed, { counters }))
    const options: ContextOptions = { lanes: { lane }, identity, ports, network, store: await memoryStore() }
    return createContext({ ...options, bootstrap })
  }
  const sensor = defineAgent({
    type: 'sensor',
    onActivate: (self) => {
      const topic = `amcp.domain.sensor.n${spawned++}`
      self.after(self.random() * EVERY, () => {
        self.every(EVERY, () => {
          if (isQuiet) return
          published += 1
          return self.publish(topic, { load: published })
        })
      })
    },
  })
  const scenario = async (): Promise<void> => {
    const sender = await start('sender', [])
    const contexts = [sender]
    for (let at = 0; at < RECEIVERS; at += 1) {
      const receiver = await start(`receiver ${at}`, sender.addresses)
      contexts.push(receiver)
      await receiver.subscribe('amcp.domain.sensor.>', () => {
        received += 1
      }).ready
    }
    for (let at = 0; at < AGENTS; at += 1) await sender.spawn(sensor)
    await sleep(clock, SECONDS * 1_000)
    isQuiet = true
    await sleep(clock, 5_000)
    for (const context of contexts.reverse()) await context.stop()
  }
  // Loaded while time stands still: a module that is read from disk takes real time.
  await import('../../src/context-defaults.ts')
  await clock.runFor(scenario(), { limit: (SECONDS + 120) * 1_000 })
  return { bytes, published, received }
}

let failed = false
for (const lane of LANES) {
  const { bytes, published, received } = await run(lane)
  const { frames, events, frameBytes, inFull, membershipHashes, tokenHashes, indexes, sync } = bytes
  const value = bytes.total / events
  const isWhole = received === published * RECEIVERS
  if (value > BAR || !isWhole) failed = true
  const parts = { inFull, membershipHashes, tokenHashes, indexes, sync }
  printFigure({
    figure: lane === 'direct' ? 'tokens' : 'tokens-gossip',
    value,
    unit: 'B/event',
    rival: null,
    rivalValue: null,
    ratio: null,
    conditions: {
      agents: AGENTS,
      receivers: RECEIVERS,
      seconds: SECONDS,
      bar: BAR,
      lane,
      published,
      received,
      isWhole,
      frames,
      events,
      frameBytes,
      ...parts,
    },
  })
}
process.exitCode = failed ? 1 : 0
