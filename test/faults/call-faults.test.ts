import { describe, expect, test } from 'vitest'
import { defineAgent } from '../../src/agent/define-agent.ts'
import type { AmcpEvent } from '../../src/events/event.ts'
import { event, type Place, World } from '../unit/calls/world.ts'

/** Two contexts, the second with an agent that can do everything wrong. */
async function pair(): Promise<{ world: World; here: Place; there: Place; caller: string; target: string }> {
  const world = new World()
  const [here, there] = [world.context('here'), world.context('there')]
  await here.start()
  await there.start()
  const agent = await there.registry.spawn(
    defineAgent({
      type: 'faulty',
      capabilities: {
        echo: { handle: (input) => input },
        hang: { handle: () => new Promise<never>(() => {}) },
        untilAborted: {
          handle: (_input, _self, { signal }) =>
            new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
        },
        throwString: { handle: () => Promise.reject('a mere string') },
        throwCyclic: {
          handle: () => {
            const cyclic: Record<string, unknown> = {}
            cyclic['self'] = cyclic
            throw Object.assign(new Error('cyclic'), { code: 'E_CYCLE', cyclic })
          },
        },
        throwLong: {
          handle: () => {
            throw new Error('x'.repeat(100_000))
          },
        },
      },
    }),
  )
  return { world, here, there, caller: here.mint('context', 'self'), target: agent.id }
}

const outcome = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    (value) => ({ value }),
    (fault: unknown) => fault,
  )

describe('an unknown capability', () => {
  test('is “nobody offers this” at once when the mesh has converged', async () => {
    const { world, here, caller } = await pair()
    await expect(here.calls.call(caller, 'no.such.thing', 1)).rejects.toMatchObject({
      code: 'ERR_CAPABILITY_UNKNOWN',
      retryable: false,
      details: { capability: 'no.such.thing' },
    })
    expect([world.published, here.calls.open, world.clock.pending]).toEqual([[], 0, 0])
  })

  test('is “not converged yet” at the deadline, and worth another try, while members are missing', async () => {
    const { world, here, caller } = await pair()
    world.isConverged = false
    const call = outcome(here.calls.call(caller, 'no.such.thing', 1, { deadline: 100 }))
    expect(here.calls.open).toBe(1)
    await world.clock.advance(104)
    expect(await call).toMatchObject({ code: 'ERR_NOT_CONVERGED', retryable: true })
    expect(here.calls.open).toBe(0)
  })

  test('becomes “nobody offers this” in the moment the mesh converges', async () => {
    const { world, here, caller } = await pair()
    world.isConverged = false
    const call = outcome(here.calls.call(caller, 'no.such.thing', 1))
    world.isConverged = true
    world.changed()
    expect(await call).toMatchObject({ code: 'ERR_CAPABILITY_UNKNOWN' })
    expect(world.clock.monotonic()).toBe(0)
  })

  test('of an agent that exists names what that agent offers', async () => {
    const { here, caller, target } = await pair()
    await expect(here.calls.call(caller, target, 1, { capability: 'dance' })).rejects.toMatchObject({
      code: 'ERR_CAPABILITY_UNKNOWN',
      details: { agent: target, capability: 'dance', offered: expect.arrayContaining(['echo', 'hang']) },
    })
  })

  test('of an unknown agent waits in the same way', async () => {
    const { world, here, caller } = await pair()
    const stranger = '99999999-0000-8000-8000-000000000001'
    await expect(here.calls.call(caller, stranger, 1)).rejects.toMatchObject({ code: 'ERR_AGENT_UNKNOWN' })
    world.isConverged = false
    const call = outcome(here.calls.call(caller, stranger, 1, { deadline: 100 }))
    await world.clock.advance(104)
    expect(await call).toMatchObject({ code: 'ERR_NOT_CONVERGED' })
  })
})

describe('a handler that throws', () => {
  test('anything at all reaches its caller as ERR_CALL_FAILED, elsewhere as here', async () => {
    const { here, there, caller } = await pair()
    for (const place of [here, there]) {
      await expect(place.calls.call(caller, 'throwString', 1)).rejects.toMatchObject({
        code: 'ERR_CALL_FAILED',
        message: expect.stringContaining('a mere string'),
        details: { name: 'string' },
      })
      await expect(place.calls.call(caller, 'throwCyclic', 1)).rejects.toMatchObject({
        code: 'ERR_CALL_FAILED',
        details: { code: 'E_CYCLE', name: 'Error' },
      })
    }
  })

  test('sends a message of bounded length, and neither stack nor cause', async () => {
    const { world, here, caller } = await pair()
    const fault = await outcome(here.calls.call(caller, 'throwLong', 1))
    expect((fault as Error).message.length).toBe(1_024)
    const reply = world.published.find(({ type }) => type === 'amcp.command.reply')
    expect(Object.keys(reply?.data as object).toSorted()).toEqual(['code', 'details', 'message', 'retryable'])
  })

  test('harms no other call: those before, beside and after it are answered', async () => {
    const { world, here, caller } = await pair()
    const calls = Array.from({ length: 30 }, (_, at) =>
      outcome(here.calls.call(caller, at % 3 === 1 ? 'throwString' : 'echo', at)),
    )
    await world.clock.advance(0)
    for (const [at, result] of (await Promise.all(calls)).entries()) {
      expect(result).toMatchObject(at % 3 === 1 ? { code: 'ERR_CALL_FAILED' } : { value: at })
    }
  })
})

describe('a handler that never answers', () => {
  test('costs its caller the deadline and no more, and leaves nothing open at either end', async () => {
    const { world, here, there, caller } = await pair()
    const call = outcome(here.calls.call(caller, 'hang', 1, { deadline: 250 }))
    await world.clock.advance(249)
    expect([here.calls.open, there.calls.open]).toEqual([1, 1])
    await world.clock.advance(5)
    expect(await call).toMatchObject({ code: 'ERR_CALL_DEADLINE', retryable: true, details: { target: 'hang' } })
    expect([here.calls.open, there.calls.open]).toEqual([0, 0])
    expect(here.ports.counters.get('calls.deadline')).toBe(1)
  })

  test('is told by its signal, so that it can stop', async () => {
    const { world, here, there, caller, target } = await pair()
    const call = outcome(here.calls.call(caller, 'untilAborted', 1, { deadline: 100 }))
    await world.clock.advance(104)
    expect(await call).toMatchObject({ code: 'ERR_CALL_DEADLINE' })
    expect(there.registry.get(target)).toMatchObject({ isIdle: true, failures: 1 })
    expect(await here.calls.call(caller, 'echo', 'free again', { deadline: 100 })).toBe('free again')
  })

  test('keeps the calls behind it waiting until their own deadlines, and they are not run afterwards', async () => {
    const { world, here, there, caller, target } = await pair()
    const first = outcome(here.calls.call(caller, 'untilAborted', 1, { deadline: 200 }))
    const second = outcome(here.calls.call(caller, 'echo', 2, { deadline: 100 }))
    const third = outcome(here.calls.call(caller, 'echo', 3, { deadline: 300 }))
    await world.clock.advance(250)
    expect(await first).toMatchObject({ code: 'ERR_CALL_DEADLINE' })
    expect(await second).toMatchObject({ code: 'ERR_CALL_DEADLINE' })
    expect(await third).toEqual({ value: 3 })
    expect(there.registry.get(target)).toMatchObject({ handled: 1, failures: 1 })
  })
})

describe('a caller that aborts', () => {
  test('gets its own reason at once; the handler is told, and its answer goes nowhere', async () => {
    const { world, here, there, caller } = await pair()
    const abort = new AbortController()
    const call = outcome(here.calls.call(caller, 'untilAborted', 1, { signal: abort.signal }))
    const reason = new Error('changed my mind')
    abort.abort(reason)
    expect(await call).toBe(reason)
    await world.clock.advance(0)
    expect([here.calls.open, there.calls.open, here.ports.counters.get('calls.cancelled')]).toEqual([0, 0, 1])
    expect(world.published.map(({ type }) => type)).toEqual(['amcp.command.call', 'amcp.command.cancel'])
  })

  test('in the middle of a local call gets its reason, also when the handler itself led to the abort', async () => {
    const { there, caller } = await pair()
    const abort = new AbortController()
    const reason = new Error('from within')
    await there.registry.spawn(
      defineAgent({
        type: 'aborter',
        capabilities: {
          abort: {
            handle: () => {
              abort.abort(reason)
              return new Promise<never>(() => {})
            },
          },
        },
      }),
    )
    await expect(there.calls.call(caller, 'abort', 1, { signal: abort.signal })).rejects.toBe(reason)
    expect(there.calls.open).toBe(0)
  })

  test('too late, after the answer, changes nothing and sends nothing', async () => {
    const { world, here, caller } = await pair()
    const abort = new AbortController()
    expect(await here.calls.call(caller, 'echo', 1, { signal: abort.signal })).toBe(1)
    abort.abort()
    await world.clock.advance(0)
    expect(world.published.map(({ type }) => type)).toEqual(['amcp.command.call', 'amcp.command.reply'])
  })

  test('a cancel that arrives after the answer, or from somebody else, is counted and cancels nothing', async () => {
    const { world, here, there, caller, target } = await pair()
    const call = outcome(here.calls.call(caller, 'hang', 1, { deadline: 100 }))
    const { id } = world.published[0]!
    const cancel = { type: 'amcp.command.cancel', causationid: id, source: `amcp://mallory/${caller}` }
    void world.carry(event(`amcp.agent.${target}`, null, cancel))
    void world.carry(event(`amcp.agent.${target}`, null, { ...cancel, causationid: undefined }))
    expect([there.calls.open, there.ports.counters.get('calls.cancel-late')]).toEqual([1, 2])
    await world.clock.advance(104)
    expect(await call).toMatchObject({ code: 'ERR_CALL_DEADLINE' })
  })
})

describe('a target that dies in the middle', () => {
  test('fails all calls to it with ERR_CALL_TARGET_LOST, not those to others', async () => {
    const { world, here, there, caller } = await pair()
    const third = world.context('third')
    await third.start()
    await third.registry.spawn(
      defineAgent({ type: 'steady', capabilities: { 'hang.on': { handle: () => new Promise<never>(() => {}) } } }),
    )
    const lost = Array.from({ length: 5 }, () => outcome(here.calls.call(caller, 'hang', 1)))
    const kept = outcome(here.calls.call(caller, 'hang.on', 1, { deadline: 1_000 }))
    world.leave(there)
    for (const fault of await Promise.all(lost)) {
      expect(fault).toMatchObject({ code: 'ERR_CALL_TARGET_LOST', retryable: true, details: { context: 'there' } })
    }
    expect(here.calls.open).toBe(1)
    await world.clock.advance(1_004)
    expect(await kept).toMatchObject({ code: 'ERR_CALL_DEADLINE' })
  })

  test('has its reply dropped and counted when that arrives after all', async () => {
    const { world, here, caller } = await pair()
    const replies: AmcpEvent[] = []
    world.drop = (sent) => sent.type === 'amcp.command.reply' && replies.push(sent) > 0
    const call = outcome(here.calls.call(caller, 'echo', 1))
    here.calls.contextLost('there')
    expect(await call).toMatchObject({ code: 'ERR_CALL_TARGET_LOST' })
    world.drop = () => false
    void world.carry(replies[0]!)
    expect(here.ports.counters.get('calls.reply-late')).toBe(1)
  })

  test('an agent destroyed in the middle says so, to its local callers too', async () => {
    const { world, here, there, caller, target } = await pair()
    const calls = [here, there].map((place) => outcome(place.calls.call(caller, 'hang', 1)))
    const gone = there.registry.destroy([target])
    for (const call of calls) expect(await call).toMatchObject({ code: 'ERR_AGENT_STATE', details: { agent: target } })
    expect([here.calls.open, there.calls.open]).toEqual([0, 0])
    // The handler never ends, and is waited for no longer than 5 s.
    await world.clock.advance(5_000)
    expect(await gone).toBe(1)
  })
})

describe('replies that do not belong', () => {
  test('from somebody else, and after the deadline, are dropped and counted, each by its name', async () => {
    const { world, here, caller, target } = await pair()
    const call = outcome(here.calls.call(caller, 'hang', 1, { deadline: 50 }))
    const { id } = world.published[0]!
    const reply = (source: string): AmcpEvent =>
      event(`amcp.agent.${caller}`, 'forged', {
        type: 'amcp.command.reply',
        causationid: id,
        extensions: { outcome: 'ok' },
        source,
      })
    for (const source of [`amcp://mallory/${target}`, `amcp://there/${caller}`, 'amcp://there', '']) {
      void world.carry(reply(source))
    }
    expect(here.ports.counters.get('calls.reply-foreign')).toBe(4)
    await world.clock.advance(54)
    expect(await call).toMatchObject({ code: 'ERR_CALL_DEADLINE' })
    void world.carry(reply(`amcp://there/${target}`))
    expect(here.ports.counters.get('calls.reply-late')).toBe(1)
  })

  test('twice the same counts once', async () => {
    const { world, here, caller } = await pair()
    expect(await here.calls.call(caller, 'echo', 1)).toBe(1)
    const reply = world.published.find(({ type }) => type === 'amcp.command.reply')
    void world.carry(reply!)
    void world.carry(reply!)
    expect(here.ports.counters.get('calls.reply-late')).toBe(2)
  })
})

describe('calls that make no sense', () => {
  test('bad deadlines and priorities are refused before anything is sent', async () => {
    const { world, here, caller } = await pair()
    for (const deadline of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e300, 3_600_001]) {
      await expect(here.calls.call(caller, 'echo', 1, { deadline })).rejects.toThrow(RangeError)
    }
    for (const priority of [-1, 10, 1.5, Number.NaN]) {
      await expect(here.calls.call(caller, 'echo', 1, { priority })).rejects.toThrow(RangeError)
    }
    expect([world.published, here.calls.open]).toEqual([[], 0])
    expect(await here.calls.call(caller, 'echo', 1, { deadline: 3_600_000, priority: 9 })).toBe(1)
  })

  test('a deadline that another context sets beyond an hour ends here after an hour', async () => {
    const { world, there, caller, target } = await pair()
    const call = event(`amcp.agent.${target}`, 1, {
      type: 'amcp.command.call',
      correlationid: 'long',
      source: `amcp://here/${caller}`,
      replyto: `amcp.agent.${caller}`,
      extensions: { capability: 'hang', timeoutms: '1e300' },
    })
    void world.carry(call)
    expect(there.calls.open).toBe(1)
    await world.clock.advance(3_600_004)
    expect(there.calls.open).toBe(0)
  })

  test('a stopped context answers with ERR_STOPPED and runs nothing', async () => {
    const { here, there, caller, target } = await pair()
    there.calls.stop()
    await expect(here.calls.call(caller, 'echo', 1)).rejects.toMatchObject({ code: 'ERR_STOPPED', retryable: true })
    await expect(there.calls.call(caller, 'echo', 1)).rejects.toMatchObject({ code: 'ERR_STOPPED' })
    expect(there.registry.get(target)?.handled).toBe(0)
  })
})

describe('a hostile caller', () => {
  const callOf = (source: string, caller: string, target: string, id: string) =>
    event(`amcp.agent.${target}`, 1, {
      ...{ id, source, type: 'amcp.command.call', replyto: `amcp.agent.${caller}` },
      extensions: { timeoutms: '3600000', capability: 'hang' },
    })
  const villain = '77777777-0000-8000-8000-000000000001'
  const idOf = (at: number): string => `00000000-0000-8000-8000-${`${at}`.padStart(12, '0')}`

  test('does not keep a call out by having opened one with its id before, since ids can be counted up', async () => {
    const { world, here, there, caller, target } = await pair()
    const echo = defineAgent({ type: 'other', capabilities: { echo: { handle: (input) => input } } })
    const other = await there.registry.spawn(echo)
    await expect(here.calls.call(caller, other.id, 1, { capability: 'echo' })).resolves.toBe(1)
    const sent = world.published.find(({ type }) => type === 'amcp.command.call')!
    world.drop = ({ type, source }) => {
      // Whoever sees the ids of a context knows the next ones: this one is in time.
      if (type !== 'amcp.command.call' || source !== sent.source) return false
      const next = world.published.at(-1)!
      world.drop = () => false
      void world.carry(callOf(`amcp://villain/${villain}`, villain, target, next.id))
      return false
    }
    await expect(here.calls.call(caller, other.id, 2, { capability: 'echo' })).resolves.toBe(2)
    expect(there.calls.open).toBe(1)
    expect(there.ports.counters.get('calls.call-invalid')).toBe(0)
  })

  test('cancels no call of another one by naming its id', async () => {
    const { world, here, there, caller, target } = await pair()
    const call = outcome(here.calls.call(caller, target, 1, { capability: 'hang', deadline: 100 }))
    const sent = world.published.find(({ type }) => type === 'amcp.command.call')!
    const cancel = { source: `amcp://villain/${villain}`, type: 'amcp.command.cancel', causationid: sent.id }
    void world.carry(event(`amcp.agent.${target}`, null, cancel))
    expect(there.calls.open).toBe(1)
    await world.clock.advance(200)
    expect(await call).toMatchObject({ code: 'ERR_CALL_DEADLINE' })
  })

  test('occupies half of the room for calls and no more, so that others are served', async () => {
    const world = new World()
    const [here, there] = [world.context('here'), world.context('there', { limit: 8 })]
    await here.start()
    await there.start()
    const { id: target } = await there.registry.spawn(
      defineAgent({
        type: 'host',
        capabilities: {
          echo: { handle: (input) => input },
          hang: { handle: () => new Promise<never>(() => {}) },
        },
      }),
    )
    for (let at = 0; at < 20; at += 1) void world.carry(callOf(`amcp://villain/${villain}`, villain, target, idOf(at)))
    expect(there.calls.open).toBe(4)
    expect(there.ports.counters.get('calls.refused')).toBe(16)
    const other = await there.registry.spawn(
      defineAgent({ type: 'other', capabilities: { echo: { handle: (input) => input } } }),
    )
    const caller = here.mint('context', 'self')
    for (let at = 0; at < 10; at += 1)
      await expect(here.calls.call(caller, other.id, at, { capability: 'echo' })).resolves.toBe(at)
    expect(there.calls.open).toBe(4)
  })
})
