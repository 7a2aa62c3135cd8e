import { expect, test } from 'vitest'
import { agentOf, CallEvents, type CallToAnswer, isOutput } from '../../../src/calls/call-events.ts'
import { SeededRandom } from '../../../src/core/seeded-random.ts'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'
import type { CauseChain } from '../../../src/events/cause-chain.ts'
import { EventIds } from '../../../src/events/event-ids.ts'
import { event } from './world.ts'

const agent = (number: number): string => `00000000-0000-8000-8000-${number.toString(16).padStart(12, '0')}`

function setup(): { clock: VirtualClock; events: CallEvents } {
  const clock = new VirtualClock()
  return { clock, events: new CallEvents('here', clock, new EventIds(new SeededRandom(1))) }
}

const call = (more: object = {}) => ({
  id: 'c',
  caller: agent(1),
  target: agent(2),
  capability: 'do',
  input: { a: 1 },
  remaining: 99.2,
  priority: 7,
  chain: undefined as CauseChain | undefined,
  ...more,
})

const answer = (priority = 4): CallToAnswer => ({
  ...{ correlation: 'c', eventId: 'e', caller: agent(1), target: agent(2), priority },
  ...{ traceparent: undefined, tracestate: undefined },
})

test('MX-3 a call says who asks whom for what, and how long it may take', async () => {
  const { clock, events } = setup()
  await clock.advance(0.5)
  expect(events.call(call())).toEqual({
    specversion: '1.0',
    id: 'c',
    source: `amcp://here/${agent(1)}`,
    type: 'amcp.command.call',
    subject: `amcp.agent.${agent(2)}`,
    time: '2023-11-14T22:13:20.000Z',
    datacontenttype: 'application/json',
    data: { a: 1 },
    correlationid: 'c',
    replyto: `amcp.agent.${agent(1)}`,
    expirytime: '2023-11-14T22:13:20.100Z',
    priority: 7,
    extensions: { capability: 'do', timeoutms: '100' },
  })
})

test('a call of an agent without naming a capability carries none', () => {
  const { events } = setup()
  expect(events.call(call({ capability: '' })).extensions).toEqual({ timeoutms: '100' })
})

test('bytes travel as bytes and undefined as null, there and back', () => {
  const { events } = setup()
  const bytes = Uint8Array.of(1, 2)
  const answered = answer()
  expect(events.call(call({ input: bytes }))).toMatchObject({
    datacontenttype: 'application/octet-stream',
    data: bytes,
  })
  expect(events.call(call({ input: undefined }))).toMatchObject({ datacontenttype: 'application/json', data: null })
  expect(events.reply(answered, true, bytes)).toMatchObject({
    datacontenttype: 'application/octet-stream',
    data: bytes,
  })
  expect(events.reply(answered, true, undefined)).toMatchObject({ datacontenttype: 'application/json', data: null })
})

test('a reply goes to the caller alone, names its call, and says whether it is an output', () => {
  const { events } = setup()
  const answered = answer(9)
  const [good, bad] = [events.reply(answered, true, 3), events.reply(answered, false, { code: 'x' })]
  expect(good).toMatchObject({
    source: `amcp://here/${agent(2)}`,
    subject: `amcp.agent.${agent(1)}`,
    correlationid: 'c',
    causationid: 'e',
    priority: 9,
  })
  expect([isOutput(good), isOutput(bad), isOutput(event('x'))]).toEqual([true, false, false])
  expect(good.id).not.toBe(bad.id)
})

test('a cancel names the call and comes from its caller', () => {
  const { events } = setup()
  expect(events.cancel(call())).toMatchObject({
    type: 'amcp.command.cancel',
    source: `amcp://here/${agent(1)}`,
    subject: `amcp.agent.${agent(2)}`,
    correlationid: 'c',
    data: null,
  })
})

test('stamps follow the clock', async () => {
  const { clock, events } = setup()
  const times = [events.call(call()), events.call(call())].map(({ time, expirytime }) => [time, expirytime])
  expect(times[0]).toEqual(times[1])
  await clock.advance(1)
  const later = events.call(call())
  expect([later.time, later.expirytime]).toEqual(['2023-11-14T22:13:20.001Z', '2023-11-14T22:13:20.101Z'])
})

test('names are the same strings each time, and right also after more agents than are remembered', () => {
  const { events } = setup()
  for (let number = 0; number < 20_000; number++) {
    const sent = events.cancel(call({ caller: agent(number), target: agent(number + 1) }))
    expect(sent.source === `amcp://here/${agent(number)}` && sent.subject === `amcp.agent.${agent(number + 1)}`).toBe(
      true,
    )
  }
})

test('sources without an agent name none', () => {
  expect([agentOf(`amcp://here/${agent(5)}`), agentOf('amcp://here/'), agentOf('x')]).toEqual([agent(5), '', 'x'])
})
