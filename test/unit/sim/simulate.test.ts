import { describe, expect, test } from 'vitest'
import { type Simulation, simulate } from '../../../src/sim/index.ts'

const startAll = async ({ contexts }: Simulation): Promise<void> => {
  for (const [at, context] of contexts.entries())
    await context.start(at === 0 ? {} : { bootstrap: [contexts[0]!.address] })
}

const talk = async (simulation: Simulation): Promise<string[]> => {
  await startAll(simulation)
  const [a, b] = simulation.contexts
  const heard: string[] = []
  await b!.context.subscribe('amcp.domain.>', (event) => {
    heard.push(event.subject)
    simulation.note('heard', event.subject, event.id)
  }).ready
  for (let at = 0; at < 5; at += 1) {
    await simulation.sleep(simulation.random.float() * 10)
    await a!.context.publish(`amcp.domain.t${at}`, { at })
  }
  await simulation.until(() => heard.length === 5, 'all heard')
  return heard
}

describe('a simulation', () => {
  test('runs whole contexts, which join and hear each other, and hands out what the scenario returns', async () => {
    const { value, trace, sha256, elapsed } = await simulate({ seed: 1, contexts: 3 }, talk)
    expect(value).toEqual([0, 1, 2, 3, 4].map((at) => `amcp.domain.t${at}`))
    expect(trace.lines).toBeGreaterThan(20)
    expect(sha256).toMatch(/^[0-9a-f]{64}$/)
    expect(elapsed).toBeGreaterThan(0)
    const text = Buffer.concat(trace.chunks()).toString()
    expect(text).toContain(' link-up c1 c0 - 0\n')
    expect(text).toMatch(/ heard amcp\.domain\.t4 [0-9a-f-]{36}\n/)
  })

  test('has the same trace for the same seed, ids of events included, and another for another', async () => {
    const first = await simulate({ seed: 1, contexts: 3 }, talk)
    const second = await simulate({ seed: 1, contexts: 3 }, talk)
    const other = await simulate({ seed: 2, contexts: 3 }, talk)
    expect(second.sha256).toBe(first.sha256)
    expect(other.sha256).not.toBe(first.sha256)
  })

  test('takes no notice of what the machine does meanwhile', async () => {
    const busy = setInterval(() => {
      const end = performance.now() + 3
      while (performance.now() < end);
    }, 5)
    const undisturbed = simulate({ seed: 3, contexts: 3 }, talk)
    const loaded = await undisturbed
    clearInterval(busy)
    expect((await simulate({ seed: 3, contexts: 3 }, talk)).sha256).toBe(loaded.sha256)
  })

  test('kills a context and starts it again over its store, under the same id', async () => {
    const kinds: string[] = []
    const observe = ({ kind }: { kind: string }): void => {
      kinds.push(kind)
    }
    await simulate({ seed: 1, contexts: 3, observe }, async (simulation) => {
      await startAll(simulation)
      const [a, b, c] = simulation.contexts
      const id = b!.context.id
      expect(id).toBe(b!.id)
      expect(simulation.nameOf(id)).toBe('c1')
      expect(simulation.nameOf('nobody')).toBe('-')
      await expect(b!.start()).rejects.toThrow(RangeError)
      b!.crash()
      expect(b!.isRunning).toBe(false)
      expect(() => b!.context).toThrow(RangeError)
      await simulation.sleep(100)
      await b!.start({ bootstrap: [a!.address] })
      expect(b!.isRunning).toBe(true)
      expect(b!.context.id).toBe(id)
      await simulation.until(() => c!.context.members.includes(id), 'c knows b')
      await b!.stop()
      await b!.stop()
      expect(b!.isRunning).toBe(false)
    })
    expect(kinds).toContain('crash')
  })

  test('a context killed while it starts does not come to life', async () => {
    await simulate({ seed: 1, contexts: 2 }, async ({ contexts, sleep }) => {
      const [a, b] = contexts
      await a!.start()
      let outcome = 'none'
      b!.start({ bootstrap: [a!.address] }).then(
        () => {
          outcome = 'started'
        },
        () => {
          outcome = 'failed'
        },
      )
      await sleep(3)
      b!.crash({ silent: true })
      await sleep(10_000)
      expect(outcome).toBe('none')
      expect(b!.isRunning).toBe(false)
    })
  })

  test('a context whose start failed does not run, and can be started', async () => {
    await simulate({ seed: 1, contexts: 2 }, async ({ contexts }) => {
      const [a, b] = contexts
      await a!.start()
      const fault = new Error('given up')
      await expect(b!.start({ signal: AbortSignal.abort(fault) })).rejects.toBe(fault)
      expect(b!.isRunning).toBe(false)
      await b!.start({ bootstrap: [a!.address] })
      expect(b!.context.members).toEqual([a!.id])
    })
  })

  test('a context told to stop while it starts stops when it has started, and while it fails is stopped then', async () => {
    await simulate({ seed: 1, contexts: 1 }, async ({ contexts }) => {
      const [a] = contexts
      const starting = a!.start()
      await expect(a!.start()).rejects.toThrow('c0 runs already')
      await a!.stop()
      expect(a!.isRunning).toBe(false)
      await expect((await starting).publish('amcp.domain.a', 1)).rejects.toMatchObject({ code: 'ERR_STOPPED' })
      const failing = expect(a!.start({ signal: AbortSignal.abort('no') })).rejects.toBe('no')
      await a!.stop()
      await failing
      await a!.start()
      expect(a!.isRunning).toBe(true)
    })
  })

  test('gives up a scenario that takes too long, and names what did not come', async () => {
    const long = simulate({ seed: 1, contexts: 0, limit: 1_000 }, ({ sleep }) => sleep(2_000))
    await expect(long).rejects.toThrow(RangeError)
    const never = simulate({ seed: 1, contexts: 0, topology: 'line' }, ({ until }) =>
      until(() => false, 'the moon', 10),
    )
    await expect(never).rejects.toThrow('the moon')
  })
})
