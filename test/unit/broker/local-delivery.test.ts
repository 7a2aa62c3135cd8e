import { describe, expect, test } from 'vitest'
import { LocalDelivery } from '../../../src/broker/local-delivery.ts'
import { Counters } from '../../../src/core/counters.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { SeededRandom } from '../../../src/core/seeded-random.ts'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'
import { eventOf } from './world.ts'

const ports = { clock: new VirtualClock(), random: new SeededRandom(3) }
const event = (topic: string) => eventOf(ports, 'amcp://x/y', topic, 1)

const quiet = () => ({ counters: new Counters(), logger: silentLogger })

describe('local delivery', () => {
  test('hands over the very object that was published, to each matching subscriber', () => {
    const local = new LocalDelivery(quiet())
    const seen: unknown[] = []
    local.subscribe('amcp.a.*', (one) => seen.push(one))
    local.subscribe('amcp.>', (one) => seen.push(one))
    local.subscribe('amcp.b', (one) => seen.push(one))
    const sent = event('amcp.a.x')
    expect(local.deliver(sent)).toBe(2)
    expect(seen).toEqual([sent, sent])
    expect(seen[0]).toBe(sent)
  })

  test('sees a subscription made after the topic was matched, and none that has gone', () => {
    const local = new LocalDelivery(quiet())
    expect(local.deliver(event('amcp.late'))).toBe(0)
    const subscription = local.subscribe('amcp.late', () => {})
    expect(local.deliver(event('amcp.late'))).toBe(1)
    subscription.unsubscribe()
    subscription.unsubscribe()
    expect(local.deliver(event('amcp.late'))).toBe(0)
  })

  test('tells of patterns only when the first subscriber comes and the last one goes', () => {
    let changes = 0
    const local = new LocalDelivery(quiet(), () => {
      changes += 1
    })
    const one = local.subscribe('amcp.p', () => {})
    const two = local.subscribe('amcp.p', () => {})
    expect(changes).toBe(1)
    expect(local.patterns).toEqual(['amcp.p'])
    one.unsubscribe()
    expect(changes).toBe(1)
    two.unsubscribe()
    expect(changes).toBe(2)
    expect(local.patterns).toEqual([])
  })

  test('does not count the topic of one agent among the patterns that others must know', () => {
    let changes = 0
    const local = new LocalDelivery(quiet(), () => {
      changes += 1
    })
    const topic = 'amcp.agent.6f8f5a24-08b1-8f0e-9c1d-2f6b9f1a7c55'
    const subscription = local.subscribe(topic, () => {})
    expect(local.deliver(event(topic))).toBe(1)
    expect(local.patterns).toEqual([])
    subscription.unsubscribe()
    expect(changes).toBe(0)
  })

  test('a subscriber that unsubscribes another during delivery is obeyed at once', () => {
    const local = new LocalDelivery(quiet())
    let second = 0
    local.subscribe('amcp.t', () => other.unsubscribe())
    const other = local.subscribe('amcp.t', () => {
      second += 1
    })
    local.deliver(event('amcp.t'))
    expect(second).toBe(0)
  })

  test('counts subscribers that throw, and logs what they threw', () => {
    const { counters } = quiet()
    const lines: unknown[] = []
    const local = new LocalDelivery({ counters, logger: { ...silentLogger, error: (fields) => lines.push(fields) } })
    const err = new Error('no')
    local.subscribe('amcp.t', () => {
      throw err
    })
    local.deliver(event('amcp.t'))
    expect(lines).toEqual([{ topic: 'amcp.t', err }])
    expect(counters.get('broker.subscriber-threw')).toBe(1)
  })

  test('forgets matches rather than grow with the number of topics', () => {
    const local = new LocalDelivery(quiet())
    let received = 0
    local.subscribe('amcp.many.*', () => {
      received += 1
    })
    for (let at = 0; at < 20_000; at += 1) local.deliver(event(`amcp.many.${at}`))
    expect(received).toBe(20_000)
  })
})
