import { expect, test, vi } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../src/agent/define-agent.ts'
import { AmcpError } from '../../../src/core/errors.ts'
import type { AmcpEvent } from '../../../src/events/event.ts'
import { event, type Place, World } from './world.ts'

const Sum = z.object({ a: z.number(), b: z.number() })
const forever = (): Promise<never> => new Promise(() => {})

function adder(type = 'adder') {
  return defineAgent({
    type,
    capabilities: {
      add: { input: Sum, output: z.number(), handle: ({ a, b }) => a + b },
      'add.later': { input: Sum, output: z.number(), handle: async ({ a, b }) => a + b },
      'add.wrong': { output: z.number(), handle: () => 'three' as unknown as number },
      fail: {
        handle: () => {
          throw new RangeError('too much')
        },
      },
      'fail.later': { handle: async () => Promise.reject(new RangeError('too late')) },
      stall: { handle: forever },
      who: { handle: (_input, self) => self.id },
    },
  })
}

async function pair(): Promise<{ world: World; here: Place; there: Place; caller: string; target: string }> {
  const world = new World()
  const here = world.context('here')
  const there = world.context('there')
  await here.start()
  await there.start()
  const target = await there.registry.spawn(adder())
  return { world, here, there, caller: here.mint('context', 'self'), target: target.id }
}

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

test('a call nobody answers ends at its deadline, and its late reply is dropped and counted', async () => {
  const { world, here, there, caller } = await pair()
  for (const place of [here, there]) {
    const call = expect(place.calls.call(caller, 'stall', 1, { deadline: 50 })).rejects.toMatchObject({
      code: 'ERR_CALL_DEADLINE',
      retryable: true,
    })
    await world.clock.advance(60)
    await call
  }
  expect(there.calls.open).toBe(0)
})

test('MX-3 a reply after the deadline is dropped and counted', async () => {
  const { world, here, caller } = await pair()
  const replies: AmcpEvent[] = []
  world.drop = (sent) => sent.type === 'amcp.command.reply' && replies.push(sent) > 0
  const call = expect(here.calls.call(caller, 'add', { a: 1, b: 1 }, { deadline: 50 })).rejects.toMatchObject({
    code: 'ERR_CALL_DEADLINE',
  })
  await world.clock.advance(60)
  await call
  world.drop = () => false
  void world.carry(replies[0]!)
  expect(here.ports.counters.get('calls.reply-late')).toBe(1)
  expect(here.ports.counters.get('calls.deadline')).toBe(1)
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

test('an aborted call rejects with the signal’s reason and aborts the handler’s signal in the other context', async () => {
  const { world, here, there, caller } = await pair()
  let reason: unknown
  await there.registry.spawn(
    defineAgent({
      type: 'patient',
      capabilities: {
        wait: {
          handle: (_input, _self, call) =>
            new Promise((resolve) => {
              call.signal.addEventListener('abort', () => {
                reason = call.signal.reason
                resolve('gave up')
              })
            }),
        },
      },
    }),
  )
  for (const place of [here, there]) {
    const controller = new AbortController()
    const call = place.calls.call(caller, 'wait', 1, { signal: controller.signal })
    await world.clock.advance(1)
    const why = new Error('changed my mind')
    controller.abort(why)
    await expect(call).rejects.toBe(why)
    await world.clock.advance(1)
    expect(reason).toBeDefined()
    reason = undefined
  }
  expect(world.published.filter(({ type }) => type === 'amcp.command.cancel')).toHaveLength(1)
  expect(here.ports.counters.get('calls.cancelled')).toBe(1)
  expect(there.calls.open).toBe(0)
  expect(here.ports.counters.get('calls.reply-late')).toBe(0)
})

test('a signal that is aborted already, and a deadline that is none, are refused before anything is sent', async () => {
  const { world, here, caller } = await pair()
  await expect(here.calls.call(caller, 'add', 1, { signal: AbortSignal.abort('no') })).rejects.toBe('no')
  for (const deadline of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    await expect(here.calls.call(caller, 'add', 1, { deadline })).rejects.toBeInstanceOf(RangeError)
  }
  expect(world.published).toEqual([])
})

test('the handler’s signal is aborted when it is first read after the caller left', async () => {
  const { world, there, caller } = await pair()
  let aborted: boolean | undefined
  let remaining = -1
  let go = (): void => {}
  await there.registry.spawn(
    defineAgent({
      type: 'late-reader',
      capabilities: {
        read: {
          async handle(_input, _self, call) {
            await new Promise<void>((resolve) => {
              go = resolve
            })
            remaining = call.remaining
            aborted = call.signal.aborted
          },
        },
      },
    }),
  )
  const call = expect(there.calls.call(caller, 'read', 1, { deadline: 10 })).rejects.toMatchObject({
    code: 'ERR_CALL_DEADLINE',
  })
  await world.clock.advance(20)
  await call
  go()
  await world.clock.advance(0)
  expect([aborted, remaining]).toEqual([true, 0])
})

test('a target whose context is lost in the middle fails its calls with ERR_CALL_TARGET_LOST, by member or by link', async () => {
  for (const lose of [
    ({ world, there }: { world: World; there: Place }) => world.leave(there),
    ({ here }: { here: Place }) => here.calls.contextLost('there'),
  ]) {
    const parts = await pair()
    const call = parts.here.calls.call(parts.caller, 'stall', 1)
    const fault = expect(call).rejects.toMatchObject({ code: 'ERR_CALL_TARGET_LOST', retryable: true })
    parts.here.calls.contextLost('third')
    expect(parts.here.calls.open).toBe(1)
    lose(parts)
    await fault
    expect(parts.here.calls.open).toBe(0)
  }
})

test('a caller whose context is lost ends its calls at the target, and no reply is sent', async () => {
  const { world, here, there, caller } = await pair()
  here.calls.call(caller, 'stall', 1).catch(() => undefined)
  await world.clock.advance(1)
  expect(there.calls.open).toBe(1)
  there.calls.contextLost('third')
  expect(there.calls.open).toBe(1)
  there.calls.contextLost('here')
  expect(there.calls.open).toBe(0)
  expect(world.published.some(({ type }) => type === 'amcp.command.reply')).toBe(false)
})

test('“nobody offers this” is said only by a converged mesh', async () => {
  const { world, here, caller } = await pair()
  await expect(here.calls.call(caller, 'nothing', 1)).rejects.toMatchObject({ code: 'ERR_CAPABILITY_UNKNOWN' })
  await expect(here.calls.call(caller, here.mint('x', 'y'), 1)).rejects.toMatchObject({ code: 'ERR_AGENT_UNKNOWN' })
  const stranger = '99999999-0000-8000-8000-000000000001'
  await expect(here.calls.call(caller, stranger, 1)).rejects.toMatchObject({ code: 'ERR_AGENT_UNKNOWN' })
  world.isConverged = false
  for (const target of ['nothing', stranger]) {
    const call = expect(here.calls.call(caller, target, 1, { deadline: 100 })).rejects.toMatchObject({
      code: 'ERR_NOT_CONVERGED',
      retryable: true,
    })
    await world.clock.advance(104)
    await call
  }
  const waiting = here.calls.call(caller, 'nothing', 1)
  const fault = expect(waiting).rejects.toMatchObject({ code: 'ERR_CAPABILITY_UNKNOWN' })
  world.isConverged = true
  world.changed()
  await fault
})

test('a call waits for a provider to be known, elsewhere or here, and then goes out', async () => {
  const { world, here, there, caller } = await pair()
  world.isConverged = false
  const late = here.calls.call(caller, 'late', 1)
  const own = here.calls.call(caller, 'own', 1)
  const define = (name: string) => defineAgent({ type: name, capabilities: { [name]: { handle: () => name } } })
  await there.registry.spawn(define('late'))
  expect(await late).toBe('late')
  await here.registry.spawn(define('own'))
  here.calls.reconsider()
  expect(await own).toBe('own')
  expect(world.published.filter(({ type }) => type === 'amcp.command.call')).toHaveLength(2)
})

test('an aborted call that still waits for a provider sends no cancel', async () => {
  const { world, here, caller } = await pair()
  world.isConverged = false
  const controller = new AbortController()
  const call = here.calls.call(caller, 'nothing', 1, { signal: controller.signal })
  controller.abort('enough')
  await expect(call).rejects.toBe('enough')
  expect(world.published).toEqual([])
})

test('providers are taken local first, else in turn', async () => {
  const world = new World()
  const [here, one, two] = [world.context('here'), world.context('one'), world.context('two')]
  for (const place of world.contexts) await place.start()
  const remote = [(await one.registry.spawn(adder())).id, (await two.registry.spawn(adder())).id]
  const caller = here.mint('context', 'self')
  const answers = [await here.calls.call(caller, 'who', 1), await here.calls.call(caller, 'who', 1)]
  expect(answers.sort()).toEqual(remote.sort())
  const [first, second] = [await here.registry.spawn(adder()), await here.registry.spawn(adder())]
  expect(await here.calls.call(caller, 'who', 1)).toBe(first.id)
  expect(await here.calls.call(caller, 'who', 1)).toBe(second.id)
  expect(await here.calls.call(caller, 'who', 1)).toBe(first.id)
})

test('providers elsewhere have the same share each, whoever calls in between', async () => {
  const world = new World()
  const here = world.context('here')
  const others = ['one', 'two', 'three'].map((name) => world.context(name))
  for (const place of world.contexts) await place.start()
  for (const place of others) await place.registry.spawn(adder())
  const shares = new Map<unknown, number>()
  for (let call = 0; call < 12; call += 1) {
    const who = await here.calls.call(here.mint('context', `caller ${call % 5}`), 'who', 1)
    shares.set(who, (shares.get(who) ?? 0) + 1)
  }
  expect([...shares.values()]).toEqual([4, 4, 4])
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

test('our own offer that is still listed after its agent went is passed over', async () => {
  const { world, here, there, caller } = await pair()
  vi.spyOn(there, 'offersOf').mockReturnValue({
    offers: [{ agent: 'gone', capability: 'x', version: '1.0.0', context: 'there' }],
    complete: true,
  })
  await expect(there.calls.call(caller, 'x', 1)).rejects.toMatchObject({ code: 'ERR_CAPABILITY_UNKNOWN' })
  expect(world.published).toEqual([])
  expect(here.calls.open).toBe(0)
})

test('an agent that is gone answers with ERR_AGENT_UNKNOWN, one without the capability with ERR_CAPABILITY_UNKNOWN', async () => {
  const { here, there, caller, target } = await pair()
  await expect(here.calls.call(caller, target, 1)).rejects.toMatchObject({
    code: 'ERR_CAPABILITY_UNKNOWN',
    details: { offered: expect.arrayContaining(['add', 'who']) },
  })
  await expect(here.calls.call(caller, target, 1, { capability: 'fly' })).rejects.toMatchObject({
    code: 'ERR_CAPABILITY_UNKNOWN',
  })
  await there.registry.destroy([target])
  await expect(here.calls.call(caller, target, 1)).rejects.toMatchObject({ code: 'ERR_AGENT_UNKNOWN' })
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

test('a context that stops refuses new calls, finishes the accepted ones, and ends the rest with ERR_STOPPED', async () => {
  const { world, here, there, caller } = await pair()
  const accepted = here.calls.call(caller, 'stall', 1)
  there.calls.refuse()
  await expect(here.calls.call(caller, 'add', { a: 1, b: 1 })).rejects.toMatchObject({
    code: 'ERR_STOPPED',
    retryable: true,
  })
  expect(there.calls.open).toBe(1)
  there.calls.stop()
  await expect(accepted).rejects.toMatchObject({ code: 'ERR_STOPPED' })
  there.calls.stop()
  await expect(there.calls.call(caller, 'add', { a: 1, b: 1 })).rejects.toMatchObject({ code: 'ERR_STOPPED' })
  await world.clock.advance(0)
})

test('calls between agents of one context are counted while they are under way, and end with ERR_STOPPED, too', async () => {
  const { world, here, there, caller, target } = await pair()
  const calls = [
    there.calls.call(target, 'stall', 1, { deadline: 100_000 }),
    there.calls.call(target, 'stall', 2, { deadline: 1_000 }),
    here.calls.call(caller, 'stall', 3, { deadline: 100_000 }),
  ].map((call) => call.catch(({ code }: { code: string }) => code))
  expect([there.calls.open, here.calls.open]).toEqual([3, 1])
  await world.clock.advance(1_010)
  expect([await calls[1], there.calls.open]).toEqual(['ERR_CALL_DEADLINE', 2])
  there.calls.stop()
  expect([await calls[0], await calls[2]]).toEqual(['ERR_STOPPED', 'ERR_STOPPED'])
  expect([there.calls.open, here.calls.open]).toEqual([0, 0])
  await world.clock.advance(200_000)
  expect(world.clock.pending).toBe(0)
})

test('an agent that is destroyed in the middle of a call says so to the caller elsewhere', async () => {
  const { world, here, there, caller, target } = await pair()
  const call = expect(here.calls.call(caller, 'stall', 1)).rejects.toMatchObject({ code: 'ERR_AGENT_STATE' })
  const destroyed = there.registry.destroy([target])
  await call
  await world.clock.advance(5_000)
  expect(await destroyed).toBe(1)
  expect(there.ports.counters.get('agents.hung')).toBe(1)
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
