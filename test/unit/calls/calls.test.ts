import { expect, test } from 'vitest'
import type { AmcpEvent } from '../../../src/events/event.ts'
import { adder, pair } from './adder.ts'
import { event, World } from './world.ts'

test('MX-3 calls a capability of another context and gets its checked output', async () => {
  const { here, caller, world, target } = await pair()
  expect(await here.calls.call(caller, 'add', { a: 1, b: 2 })).toBe(3)
  expect(await here.calls.call(caller, target, { a: 1, b: 2 }, { capability: 'add.later' })).toBe(3)
  const [call, reply] = world.published
  expect(call).toMatchObject({
    type: 'amcp.command.call',
    subject: `amcp.agent.${target}`,
    replyto: `amcp.agent.${caller}`,
    source: `amcp://here/${caller}`,
    correlationid: call!.id,
    extensions: { capability: 'add', timeoutms: '10000' },
  })
  expect(Date.parse(call!.expirytime!) - Date.parse(call!.time)).toBe(10_000)
  expect(reply).toMatchObject({
    type: 'amcp.command.reply',
    subject: `amcp.agent.${caller}`,
    correlationid: call!.id,
    causationid: call!.id,
    data: 3,
    extensions: { outcome: 'ok' },
  })
  expect(here.calls.open + (await pair()).there.calls.open).toBe(0)
})

test('AG-4 a bad input or output is refused with the path of the fault, here and over the wire', async () => {
  const { here, there, caller } = await pair()
  for (const place of [here, there]) {
    await expect(place.calls.call(caller, 'add', { a: 1, b: 'x' })).rejects.toMatchObject({
      code: 'ERR_SCHEMA_MISMATCH',
      details: { path: 'b' },
    })
    await expect(place.calls.call(caller, 'add.wrong', null)).rejects.toMatchObject({ code: 'ERR_SCHEMA_MISMATCH' })
  }
})

test('a handler that throws fails its call with ERR_CALL_FAILED and nothing else', async () => {
  const { here, there, caller, target } = await pair()
  for (const place of [here, there]) {
    await expect(place.calls.call(caller, 'fail', 1)).rejects.toMatchObject({
      code: 'ERR_CALL_FAILED',
      details: { name: 'RangeError', capability: 'fail', agent: target },
    })
    await expect(place.calls.call(caller, 'fail.later', 1)).rejects.toMatchObject({ code: 'ERR_CALL_FAILED' })
  }
  expect(await here.calls.call(caller, 'add', { a: 2, b: 2 })).toBe(4)
  expect(there.ports.counters.get('agents.call-failed')).toBe(4)
})

test('a reply counts only from the agent that was called', async () => {
  const { world, here, caller } = await pair()
  let sent: AmcpEvent | undefined
  world.drop = (call) => {
    if (call.type === 'amcp.command.call') sent = call
    return call.type === 'amcp.command.call'
  }
  const result = here.calls.call(caller, 'add', { a: 1, b: 1 })
  const reply = { type: 'amcp.command.reply', causationid: sent!.id, extensions: { outcome: 'ok' } }
  void world.carry(
    event(`amcp.agent.${caller}`, 666, { ...reply, source: `amcp://mallory/${sent!.subject.slice(11)}` }),
  )
  void world.carry(event(`amcp.agent.${caller}`, 667, { ...reply, source: `amcp://there/${caller}` }))
  expect(here.ports.counters.get('calls.reply-foreign')).toBe(2)
  void world.carry(event(`amcp.agent.${caller}`, 2, { ...reply, source: `amcp://there/${sent!.subject.slice(11)}` }))
  expect(await result).toBe(2)
  void world.carry(event(`amcp.agent.${caller}`, 3, { ...reply, causationid: undefined }))
  expect(here.ports.counters.get('calls.reply-late')).toBe(1)
})

test('calls in flight are bounded at both ends', async () => {
  const world = new World()
  const here = world.context('here', { limit: 2 })
  const there = world.context('there', { limit: 1 })
  await here.start()
  await there.start()
  await there.registry.spawn(adder())
  const caller = here.mint('context', 'self')
  const first = here.calls.call(caller, 'stall', 1)
  await expect(here.calls.call(caller, 'stall', 1)).rejects.toMatchObject({ code: 'ERR_MAILBOX_FULL', retryable: true })
  world.drop = () => true
  const second = here.calls.call(caller, 'stall', 1)
  await expect(here.calls.call(caller, 'stall', 1)).rejects.toMatchObject({ code: 'ERR_QUEUE_FULL' })
  here.calls.stop()
  for (const call of [first, second]) await expect(call).rejects.toMatchObject({ code: 'ERR_STOPPED' })
  expect(here.ports.counters.get('calls.refused')).toBe(1)
  expect(there.ports.counters.get('calls.refused')).toBe(1)
})

test('callers that come once are forgotten, those with an open call are not', async () => {
  const { there, target } = await pair()
  const called = (n: number, capability: string): AmcpEvent => {
    const agent = `00000000-0000-8000-8000-${n.toString(16).padStart(12, '0')}`
    const extensions = { capability, timeoutms: '1000' }
    const source = `amcp://elsewhere/${agent}`
    const type = 'amcp.command.call'
    return event(`amcp.agent.${target}`, { a: n, b: 0 }, { type, source, extensions, replyto: `amcp.agent.${agent}` })
  }
  there.calls.take(called(0, 'stall'))
  // Calls for an agent that is not there are answered at once.
  const elsewhere = { ...called(1, 'add'), subject: `amcp.agent.${there.mint('nobody', undefined)}` }
  for (let n = 1; n < 4_200; n++) {
    const { source, replyto } = called(n, 'add')
    there.calls.take({ ...elsewhere, source, replyto: replyto! })
  }
  expect(there.calls.open).toBe(1)
  expect(there.calls.isBusyWith('elsewhere')).toBe(true)
  there.calls.take(called(0, 'stall'))
  expect(there.ports.counters.get('calls.call-invalid')).toBe(1)
  const cancel = { ...called(0, ''), type: 'amcp.command.cancel', causationid: called(0, '').id }
  there.calls.take(cancel)
  expect(there.calls.open).toBe(0)
  expect(there.calls.isBusyWith('elsewhere')).toBe(false)
  there.calls.take(cancel)
  expect(there.ports.counters.get('calls.cancel-late')).toBe(1)
})
