import { expect, test } from 'vitest'
import { defineAgent } from '../../src/agent/define-agent.ts'
import { DIRECT_PROTOCOL } from '../../src/broker/mesh/direct-lane.ts'
import type { Context } from '../../src/context.ts'
import { memberCredentials } from '../../src/context-membership.ts'
import { systemPorts } from '../../src/core/default-ports.ts'
import { memoryStore } from '../../src/core/memory-store.ts'
import { createContext } from '../../src/create-context.ts'
import { type ContextIdentity, foundMemoryMesh } from '../../src/identity/context-identity.ts'
import type { Members } from '../../src/membership/members.ts'
import { meshMembers } from '../../src/membership/mesh-members.ts'
import { encodeMessage, STATE_PROTOCOL } from '../../src/membership/state-messages.ts'
import { libp2pNetwork } from '../../src/network/libp2p/libp2p-network.ts'
import type { MessageStream, Network } from '../../src/network/network.ts'

const networkOf = (identity: ContextIdentity, ports = systemPorts()): Network =>
  libp2pNetwork({ ports, seed: identity.seed, meshId: identity.mesh.mesh })

/** Resolves when the members hold no other any more, as after a goodbye. */
function alone(members: Members): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (members.present.length > 0) return
      stop()
      resolve()
    }
    const stop = members.onChange(look)
    look()
  })
}

/** A context over real sockets, and a valid member that does as it likes. */
class Pair implements AsyncDisposable {
  readonly context: Context
  readonly villain: Network
  readonly members: Members
  /** The victim's end of each state stream that the villain opened. */
  readonly stateStreams: readonly MessageStream[]

  private constructor(context: Context, villain: Network, members: Members, stateStreams: readonly MessageStream[]) {
    this.context = context
    this.villain = villain
    this.members = members
    this.stateStreams = stateStreams
  }

  static async open(): Promise<Pair> {
    const mesh = foundMemoryMesh(systemPorts())
    // State streams are opened by whose id is greater: the villain's own opens none behind its back.
    const [lesser, greater] = [mesh.member(), mesh.member()].sort((one, other) => (one.id < other.id ? -1 : 1))
    const villain = networkOf(lesser!)
    const ports = systemPorts()
    const credentials = memberCredentials(ports, lesser!)
    const members = meshMembers({ ports, network: villain, store: await memoryStore(), credentials })
    await villain.start()
    await members.start()
    const victim = systemPorts()
    const network = networkOf(greater!, victim)
    const stateStreams: MessageStream[] = []
    const handle = network.streams.handle.bind(network.streams)
    network.streams.handle = (protocol, handler, options) => {
      const noted = (stream: MessageStream): void => {
        stateStreams.push(stream)
        handler(stream)
      }
      handle(protocol, protocol === STATE_PROTOCOL ? noted : handler, options)
    }
    const context = await createContext({ identity: greater!, ports: victim, network, bootstrap: villain.addresses })
    return new Pair(context, villain, members, stateStreams)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.context.stop()
    await this.members.stop()
    await this.villain.stop()
  }
}

test('a receiver that never grants credit does not keep a context from stopping: what it did not get is counted', async () => {
  await using pair = await Pair.open()
  const { context, villain, members } = pair
  const opened = Promise.withResolvers<void>()
  villain.streams.handle(DIRECT_PROTOCOL, (stream) => stream.onMessage(() => opened.resolve()))
  await members.announcePatterns(['amcp.domain.>'])
  for (let n = 0; n < 100; n += 1) await context.publish('amcp.domain.x', n)
  // The victim's own first grant: from here on the stream stands, and is refused every byte of an event.
  await opened.promise
  const gone = alone(members)
  await context.stop()
  await gone
  const metrics = context.metrics()
  expect(metrics).toMatchObject({ 'broker.stop-undrained': 1, 'membership.stop.unanswered': 0 })
  expect((metrics['link.unsent-bytes'] ?? 0) + (metrics['broker.direct.unsent-frames'] ?? 0)).toBeGreaterThan(0)
})

test('a neighbour that does not read its state stream does not keep a context from stopping', async () => {
  await using pair = await Pair.open()
  const { context, villain, stateStreams } = pair
  // What the victim tells of itself is large, so that the little that the villain asks for fills every buffer.
  const handle = (): number => 1
  const names = Array.from({ length: 1_000 }, (_, n) => `capability.${'x'.repeat(100)}.${n}`)
  const capabilities = Object.fromEntries(names.map((name) => [name, { handle }]))
  await context.spawn(defineAgent({ type: 'talkative', capabilities }))
  await context.announced()
  // Never listened to: the transport stops reading it after a mebibyte.
  const unread = await villain.streams.open(context.id, STATE_PROTOCOL)
  const end = stateStreams.at(-1)!
  const { clock } = systemPorts()
  // Full when nothing has moved for a thousand turns of the event loop.
  for (let [still, before] = [0, 0]; still < 1_000; before = end.buffered) {
    unread.send(encodeMessage({ t: 'want', contexts: [context.id] }))
    await new Promise<void>((resolve) => clock.endOfTurn(resolve))
    still = end.buffered > 0 && end.buffered === before ? still + 1 : 0
  }
  await context.stop()
  expect(end.isOpen).toBe(false)
  expect(context.metrics()).toMatchObject({ 'membership.stop.unanswered': 2, 'network.streams.broken-off': 1 })
})
