import { expect, test } from 'vitest'
import { defineAgent } from '../../../src/agent/define-agent.ts'
import type { AmcpEvent } from '../../../src/events/event.ts'
import { pair } from './adder.ts'
import type { Place, World } from './world.ts'

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

test('an aborted call that still waits for a provider sends no cancel', async () => {
  const { world, here, caller } = await pair()
  world.isConverged = false
  const controller = new AbortController()
  const call = here.calls.call(caller, 'nothing', 1, { signal: controller.signal })
  controller.abort('enough')
  await expect(call).rejects.toBe('enough')
  expect(world.published).toEqual([])
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
