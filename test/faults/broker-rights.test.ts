import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Node, World } from '../unit/broker/world.ts'

const ALLOWED = 'amcp.domain.allowed'
const FORBIDDEN = 'amcp.domain.forbidden'

let world: World
let receiver: Node
/** Its membership is narrow, the tokens that it gives its agents are not. */
let member: Node

beforeEach(() => {
  world = new World()
})
afterEach(() => world.stop())

/** Links a listening context and one with a narrow membership. */
async function begin(lane: 'direct' | 'gossip'): Promise<void> {
  receiver = await world.node({ lane })
  member = await world.node({ lane }, { publish: [ALLOWED] })
  await world.link(receiver, member)
  await world.run(receiver.listen('amcp.domain.>'))
  await world.pass(2_000)
}

async function publish(...topics: readonly string[]): Promise<void> {
  for (const topic of topics) void member.broker.publish(member.event(topic, topic))
  await world.pass(500)
}

const received = (): readonly unknown[] => receiver.received.map(({ data }) => data)

describe.each(['direct', 'gossip'] as const)('the rights of a membership, on the %s lane', (lane) => {
  beforeEach(() => begin(lane))

  test('bound what its context publishes, however wide the tokens that it gives', async () => {
    await publish(FORBIDDEN)
    expect(received()).toEqual([])
    expect(receiver.count('broker.refused.acl')).toBe(1)
  })

  test('let through what they name, before and after a refusal', async () => {
    await publish(ALLOWED)
    await publish(FORBIDDEN)
    await publish(ALLOWED)
    expect(received()).toEqual([ALLOWED, ALLOWED])
  })
})

test('a context that knows its rights is refused before anything is sent, and harms nothing that is', async () => {
  receiver = await world.node()
  member = await world.node({}, { publish: [ALLOWED] }, [ALLOWED])
  await world.link(receiver, member)
  await world.run(receiver.listen('amcp.domain.>'))
  await world.run(member.listen('amcp.domain.>'))
  await world.pass(2_000)
  void member.broker.publish(member.event(ALLOWED, ALLOWED))
  expect(() => member.broker.publish(member.event(FORBIDDEN))).toThrow(
    expect.objectContaining({ code: 'ERR_TOPIC_FORBIDDEN', details: { topic: FORBIDDEN } }),
  )
  await world.pass(500)
  expect([received(), member.received.length]).toEqual([[ALLOWED], 1])
  expect(receiver.count('broker.refused.acl')).toBe(0)
})

describe.each(['direct', 'gossip'] as const)('TP-2 reserved namespaces, on the %s lane', (lane) => {
  const CONTROL = 'amcp.control.stop'

  /** A member whose library takes itself for entitled, and whose membership says something of it. */
  async function meet(grant: { publish?: readonly string[] }): Promise<void> {
    receiver = await world.node({ lane })
    member = await world.node({ lane }, grant, ['amcp.>', 'amcp.control.>'])
    await world.link(receiver, member)
    await world.run(receiver.listen('amcp.>'))
    await world.pass(2_000)
  }

  test('are closed to a hostile member, whose other events still come', async () => {
    await meet({})
    await publish(ALLOWED, CONTROL, ALLOWED)
    expect(received()).toEqual([ALLOWED, ALLOWED])
    expect(receiver.count('broker.refused.reserved')).toBe(1)
    expect(receiver.count('broker.gap')).toBe(0)
  })

  test('are closed also when they are named beside the rights that it has', async () => {
    await meet({ publish: [ALLOWED] })
    await publish(CONTROL)
    expect(received()).toEqual([])
    expect(receiver.count('broker.refused.reserved')).toBe(1)
  })

  test('are open to a member whose membership names them', async () => {
    await meet({ publish: ['amcp.domain.>', 'amcp.control.>'] })
    await publish(CONTROL)
    expect(received()).toEqual([CONTROL])
  })
})

test('an event outside of the rights costs the frame that it travels in', async () => {
  await begin('direct')
  await publish(ALLOWED, FORBIDDEN)
  expect(received()).toEqual([])
  expect(receiver.count('broker.refused.acl')).toBe(1)
})
