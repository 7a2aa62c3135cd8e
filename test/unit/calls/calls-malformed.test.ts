import { expect, test, vi } from 'vitest'
import { defineAgent } from '../../../src/agent/define-agent.ts'
import { AmcpError } from '../../../src/core/errors.ts'
import type { AmcpEvent } from '../../../src/events/event.ts'
import { pair } from './adder.ts'
import { event } from './world.ts'

test('a reply whose data cannot be read fails the call with what the reading threw', async () => {
  const { world, here, caller, target } = await pair()
  let id = ''
  world.drop = (call) => {
    id = call.id
    return true
  }
  const result = here.calls.call(caller, 'add', { a: 1, b: 1 })
  const fault = new AmcpError('ERR_FRAME_INVALID', 'bad JSON')
  const unreadable = Object.defineProperty(
    event(`amcp.agent.${caller}`, 0, {
      type: 'amcp.command.reply',
      causationid: id,
      source: `amcp://there/${target}`,
    }),
    'data',
    {
      get() {
        throw fault
      },
    },
  )
  here.calls.take(unreadable)
  await expect(result).rejects.toBe(fault)
  expect(here.ports.counters.get('calls.reply-unreadable')).toBe(1)
})

test('a call without time left is malformed, one with the least time is not', async () => {
  const { world, here, there, caller } = await pair()
  const sent: AmcpEvent[] = []
  world.drop = (one) => one.type === 'amcp.command.call' && sent.push(one) > 0
  here.calls.call(caller, 'who', 1, { deadline: 50 }).catch(() => undefined)
  await world.clock.advance(1)
  world.drop = () => false
  const [call] = sent
  const again = (timeout: string, id: string): void =>
    void world.carry({ ...call!, id, extensions: { ...call!.extensions, timeoutms: timeout } })
  again('0', '10000000-0000-7000-8000-000000000001')
  await world.clock.advance(1)
  expect(world.published.filter(({ type }) => type === 'amcp.command.reply')).toEqual([])
  again('1', '10000000-0000-7000-8000-000000000002')
  await world.clock.advance(1)
  expect(world.published.filter(({ type }) => type === 'amcp.command.reply')).toHaveLength(1)
  expect(there.calls.open).toBe(0)
})

test('malformed calls are dropped and counted: foreign reply topic, no time-out, a doubled id', async () => {
  const { world, there, target } = await pair()
  const caller = 'c0ffee00-0000-8000-8000-000000000001'
  const good = {
    type: 'amcp.command.call',
    id: 'c1',
    source: `amcp://here/${caller}`,
    replyto: `amcp.agent.${caller}`,
    extensions: { capability: 'stall', timeoutms: '99999999999' },
  }
  const send = (more: Partial<AmcpEvent>): unknown =>
    world.carry(event(`amcp.agent.${target}`, 1, { ...good, ...more }))
  send({ replyto: 'amcp.agent.somebody-else' })
  send({ replyto: undefined })
  send({ extensions: { capability: 'stall' } })
  send({ extensions: { capability: 'stall', timeoutms: '-3' } })
  send({ extensions: undefined })
  expect(there.ports.counters.get('calls.call-invalid')).toBe(5)
  send({})
  send({})
  expect(there.ports.counters.get('calls.call-invalid')).toBe(6)
  expect(there.calls.open).toBe(1)
  send({ type: 'amcp.command.cancel', causationid: 'c1', source: 'amcp://here/mallory' })
  send({ type: 'amcp.command.cancel' })
  expect(there.calls.open).toBe(1)
  expect(there.ports.counters.get('calls.cancel-late')).toBe(2)
  await world.clock.advance(3_600_004)
  expect(there.calls.open).toBe(0)
})

test('a call whose data cannot be read is answered with ERR_CALL_FAILED', async () => {
  const { world, there, target } = await pair()
  const unreadable = Object.defineProperty(
    event(`amcp.agent.${target}`, 0, {
      type: 'amcp.command.call',
      source: 'amcp://here/c',
      correlationid: 'c1',
      replyto: 'amcp.agent.c',
      extensions: { timeoutms: '50' },
    }),
    'data',
    {
      get() {
        throw new SyntaxError('bad JSON')
      },
    },
  )
  there.calls.take(unreadable)
  expect(there.ports.counters.get('calls.call-unreadable')).toBe(1)
  expect(world.published.at(-1)).toMatchObject({ extensions: { outcome: 'error' }, data: { code: 'ERR_CALL_FAILED' } })
})

test('a broker that refuses the call, at once or later, fails it', async () => {
  const { world, here, caller } = await pair()
  const large = new AmcpError('ERR_EVENT_TOO_LARGE', 'too large')
  world.fault = () => {
    throw large
  }
  await expect(here.calls.call(caller, 'add', { a: 1, b: 1 })).rejects.toBe(large)
  world.fault = () => Promise.reject(large)
  await expect(here.calls.call(caller, 'add', { a: 1, b: 1 })).rejects.toBe(large)
  expect(here.calls.open).toBe(0)
})

test('an output that cannot travel reaches the caller as an error, an error that cannot is counted', async () => {
  const { world, here, there, caller } = await pair()
  let refusals = 1
  const carry = world.carry.bind(world)
  const large = new AmcpError('ERR_EVENT_TOO_LARGE', 'too large')
  vi.spyOn(there, 'publish').mockImplementation((sent) => {
    if (refusals-- > 0) return Promise.reject(large)
    return carry(sent)
  })
  await expect(here.calls.call(caller, 'add', { a: 1, b: 1 })).rejects.toMatchObject({
    code: 'ERR_CALL_FAILED',
    details: { code: 'ERR_EVENT_TOO_LARGE', capability: 'add' },
  })
  refusals = 2
  const lost = expect(here.calls.call(caller, 'add', { a: 1, b: 1 }, { deadline: 8 })).rejects.toMatchObject({
    code: 'ERR_CALL_DEADLINE',
  })
  await world.clock.advance(20)
  await lost
  expect(there.ports.counters.get('calls.reply-unsent')).toBe(3)
})

test('a cancel that cannot be sent is counted', async () => {
  const { world, here, caller } = await pair()
  const controller = new AbortController()
  const call = here.calls.call(caller, 'stall', 1, { signal: controller.signal })
  world.fault = () => {
    throw new AmcpError('ERR_STOPPED', 'stopped')
  }
  controller.abort('x')
  await expect(call).rejects.toBe('x')
  expect(here.ports.counters.get('calls.cancel-unsent')).toBe(1)
})

test('undefined travels as null, bytes as bytes', async () => {
  const { world, here, there, caller } = await pair()
  await there.registry.spawn(
    defineAgent({
      type: 'bytes',
      capabilities: {
        bytes: { handle: () => Uint8Array.of(1, 2) },
        nothing: { handle: (input) => input && undefined },
      },
    }),
  )
  expect(await here.calls.call(caller, 'nothing', undefined)).toBeNull()
  expect(await here.calls.call(caller, 'bytes', null)).toEqual(Uint8Array.of(1, 2))
  expect(world.published.at(-1)?.datacontenttype).toBe('application/octet-stream')
})
