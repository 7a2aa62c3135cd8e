import type { GossipSub } from '@libp2p/gossipsub'
import { describe, expect, test } from 'vitest'
import { Counters } from '../../../../src/core/counters.ts'
import { systemPorts } from '../../../../src/core/default-ports.ts'
import { VirtualClock } from '../../../../src/core/virtual-clock.ts'
import { Libp2pGossip } from '../../../../src/network/libp2p/gossip.ts'
import { RejectScores } from '../../../../src/network/libp2p/scoring.ts'

type Validator = (peer: string, message: { data: Uint8Array }) => string

class FakeStream extends EventTarget {
  status = 'open'
  writeBufferLength = 0
  drain(left: number): void {
    this.writeBufferLength = left
    this.dispatchEvent(new Event('drain'))
  }
}

class FakeGossipsub extends EventTarget {
  readonly topicValidators = new Map<string, Validator>()
  readonly streamsOutbound = new Map<string, { rawStream: FakeStream }>()
  subscriberIds: string[] = []
  mesh: string[] = []
  published: { topic: string; floodPublish: boolean }[] = []
  outcome: Promise<{ recipients: unknown[] }> | undefined
  heartbeats = 0
  heartbeatFault: Error | undefined
  subscribe(): void {}
  unsubscribe(): void {}
  heartbeat(): Promise<void> {
    this.heartbeats += 1
    return this.heartbeatFault === undefined ? Promise.resolve() : Promise.reject(this.heartbeatFault)
  }
  getSubscribers(): string[] {
    return this.subscriberIds
  }
  getMeshPeers(): string[] {
    return this.mesh
  }
  publish(topic: string, _data: Uint8Array, { floodPublish }: { floodPublish: boolean }) {
    this.published.push({ topic, floodPublish })
    return this.outcome ?? Promise.resolve({ recipients: this.subscriberIds })
  }
  peers(count: number): void {
    this.subscriberIds = Array.from({ length: count }, (_, at) => `p${at}`)
    for (const id of this.subscriberIds) this.streamsOutbound.set(id, { rawStream: new FakeStream() })
  }
  tell(type: string, detail: object): void {
    this.dispatchEvent(new CustomEvent(type, { detail }))
  }
}

function attached() {
  const clock = new VirtualClock()
  const counters = new Counters()
  const scores = new RejectScores(clock)
  const gossip = new Libp2pGossip({ ...systemPorts(), clock, counters }, scores)
  const pubsub = new FakeGossipsub()
  gossip.attach(pubsub as unknown as GossipSub)
  return { clock, counters, scores, gossip, pubsub }
}

const frame = Uint8Array.of(1, 2, 3)

describe('publish', () => {
  test('floods up to twelve subscribers, and counts those that have a stream', () => {
    const { gossip, pubsub } = attached()
    expect(gossip.publish('t', frame)).toBe(0)
    pubsub.peers(12)
    expect(gossip.publish('t', frame)).toBe(12)
    pubsub.streamsOutbound.delete('p0')
    pubsub.streamsOutbound.get('p1')!.rawStream.status = 'reset'
    expect(gossip.publish('t', frame)).toBe(10)
    expect(pubsub.published).toEqual([
      { topic: 't', floodPublish: true },
      { topic: 't', floodPublish: true },
    ])
  })

  test('leaves more subscribers to the mesh', () => {
    const { gossip, pubsub } = attached()
    pubsub.peers(13)
    expect(gossip.publish('t', frame)).toBe(6)
    pubsub.mesh = pubsub.subscriberIds.slice(0, 9)
    expect(gossip.publish('t', frame)).toBe(9)
    expect(pubsub.published.at(-1)?.floodPublish).toBe(false)
    expect(gossip.neighbours('t')).toHaveLength(9)
  })

  test('counts recipients that were missed and publishes that failed, and holds their bytes no longer', async () => {
    const { gossip, pubsub, counters, clock } = attached()
    pubsub.peers(3)
    pubsub.outcome = Promise.resolve({ recipients: ['p0'] })
    gossip.publish('t', frame)
    expect(gossip.backlog).toBe(3)
    await clock.advance(0)
    expect(counters.get('network.gossip.missed')).toBe(2)
    pubsub.outcome = Promise.reject(new Error('a fault'))
    gossip.publish('t', frame)
    await clock.advance(0)
    expect(counters.get('network.gossip.failed')).toBe(1)
    expect(gossip.backlog).toBe(0)
  })
})

describe('a subscriber that our stream does not reach yet', () => {
  const subscribes = (peer: string, ...topics: string[]) => ({
    peerId: { toString: () => peer },
    subscriptions: topics.map((topic) => ({ topic, subscribe: true })),
  })

  test('is grafted and told of as soon as it does', async () => {
    const { gossip, pubsub, clock } = attached()
    gossip.subscribe('t')
    const changed: string[] = []
    gossip.onChange((topic) => changed.push(topic))
    pubsub.tell('subscription-change', subscribes('p0', 't', 'other'))
    expect(changed.splice(0)).toEqual(['t', 'other'])
    await clock.advance(200)
    expect(pubsub.heartbeats).toBe(0)
    pubsub.peers(1)
    await clock.advance(10)
    expect(pubsub.heartbeats).toBe(1)
    expect(changed).toEqual(['t', 'other'])
    await clock.advance(1_000)
    expect(pubsub.heartbeats).toBe(1)
  })

  test.each([
    [
      'it is grafted already',
      (gossip: Libp2pGossip, pubsub: FakeGossipsub) => {
        gossip.subscribe('t')
        pubsub.mesh = ['p0']
      },
    ],
    ['we have not joined the topic', () => undefined],
  ])('needs no graft when %s', async (_why, prepare) => {
    const { gossip, pubsub, clock } = attached()
    prepare(gossip, pubsub)
    pubsub.tell('subscription-change', subscribes('p0', 't'))
    pubsub.peers(1)
    await clock.advance(100)
    expect(pubsub.heartbeats).toBe(0)
  })

  test('a heartbeat that fails is counted', async () => {
    const { gossip, pubsub, clock, counters } = attached()
    gossip.subscribe('t')
    pubsub.heartbeatFault = new Error('a fault')
    pubsub.tell('subscription-change', subscribes('p0', 't'))
    pubsub.peers(1)
    await clock.advance(100)
    expect(counters.get('network.gossip.heartbeat-failed')).toBe(1)
  })
})

describe('backlog', () => {
  test('is that of the fullest open stream, and drained waits for it, drain by drain', async () => {
    const { gossip, pubsub } = attached()
    pubsub.peers(3)
    const [a, b, dead] = ['p0', 'p1', 'p2'].map((id) => pubsub.streamsOutbound.get(id)!.rawStream)
    a!.writeBufferLength = 100
    b!.writeBufferLength = 300
    Object.assign(dead!, { status: 'reset', writeBufferLength: 900 })
    expect(gossip.backlog).toBe(300)
    let done = false
    const waiting = gossip.drained(100).then(() => {
      done = true
    })
    b!.drain(150)
    await Promise.resolve()
    b!.drain(50)
    await new Promise(setImmediate)
    expect(done).toBe(false)
    a!.drain(99)
    await waiting
    expect(gossip.backlog).toBe(99)
  })

  test('lets the waiting go on when the full stream ends', async () => {
    const { gossip, pubsub } = attached()
    pubsub.peers(1)
    const [stream] = [...pubsub.streamsOutbound.values()].map(({ rawStream }) => rawStream)
    stream!.writeBufferLength = 10
    const waiting = gossip.drained(1)
    stream!.status = 'reset'
    stream!.dispatchEvent(new Event('close'))
    await waiting
  })
})

describe('the judge', () => {
  test('decides, and a reject costs the forwarder', () => {
    const { gossip, pubsub, scores, counters } = attached()
    gossip.subscribe('t')
    const validator = pubsub.topicValidators.get('t')!
    expect(validator('p', { data: frame })).toBe('accept')
    const asked: unknown[] = []
    gossip.validate((...question) => {
      asked.push(question)
      return 'reject'
    })
    expect(validator('p', { data: Buffer.from(frame) })).toBe('reject')
    expect(asked).toEqual([['t', frame, 'p']])
    expect(scores.scoreOf('p')).toBe(-10)
    expect(counters.get('network.gossip.rejected')).toBe(1)
    gossip.unsubscribe('t')
    gossip.unsubscribe('t')
    expect(pubsub.topicValidators.size).toBe(0)
    expect(gossip.topics).toEqual([])
  })
})

describe('onChange', () => {
  test('tells of subscriptions, grafts and prunes until it is ended', () => {
    const { gossip, pubsub } = attached()
    const seen: string[] = []
    const end = gossip.onChange((topic) => seen.push(topic))
    pubsub.peers(1)
    pubsub.tell('subscription-change', { peerId: 'p0', subscriptions: [{ topic: 'a' }, { topic: 'b' }] })
    pubsub.tell('gossipsub:graft', { topic: 'c' })
    pubsub.tell('gossipsub:prune', { topic: 'd' })
    end()
    pubsub.tell('gossipsub:prune', { topic: 'e' })
    expect(seen).toEqual(['a', 'b', 'c', 'd'])
  })

  test('tells again when the stream to a new subscriber opens, and gives up after two seconds', async () => {
    const { gossip, pubsub, clock } = attached()
    const seen: string[] = []
    gossip.onChange((topic) => seen.push(topic))
    pubsub.tell('subscription-change', { peerId: 'p0', subscriptions: [{ topic: 'a' }] })
    await clock.advance(25)
    expect(seen).toEqual(['a'])
    pubsub.peers(1)
    await clock.advance(10)
    expect(seen).toEqual(['a', 'a'])
    pubsub.tell('subscription-change', { peerId: 'p9', subscriptions: [{ topic: 'z' }] })
    await clock.advance(3_000)
    expect(clock.pending).toBe(0)
    expect(seen).toEqual(['a', 'a', 'z'])
  })

  test('looks out for the stream of a peer once, however often that one changes its mind', async () => {
    const { gossip, pubsub, clock } = attached()
    const seen: string[] = []
    for (let at = 0; at < 1_000; at += 1)
      pubsub.tell('subscription-change', { peerId: 'p0', subscriptions: [{ topic: `t${at % 3}` }] })
    pubsub.tell('subscription-change', { peerId: 'p0', subscriptions: [] })
    gossip.onChange((topic) => seen.push(topic))
    expect(clock.pending).toBe(1)
    pubsub.peers(1)
    await clock.advance(10)
    expect(seen).toEqual(['t0', 't1', 't2'])
    expect(clock.pending).toBe(0)
  })
})

test('whoever is passed over does not count, nor holds up who waits for it already, until it counts again', async () => {
  const { gossip, pubsub, counters } = attached()
  pubsub.peers(2)
  const [slow, brisk] = [pubsub.streamsOutbound.get('p0')!.rawStream, pubsub.streamsOutbound.get('p1')!.rawStream]
  slow.writeBufferLength = 1_000
  brisk.writeBufferLength = 10
  expect(gossip.backlog).toBe(1_000)
  const room = gossip.drained(500)
  gossip.passOver(new Set([slow]))
  await room
  expect(gossip.backlog).toBe(10)
  gossip.passOver(new Set([slow]))
  expect(counters.get('network.gossip.passed-over')).toBe(1)
  gossip.passOver(new Set())
  expect(gossip.backlog).toBe(1_000)
})
