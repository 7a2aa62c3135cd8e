import { expect, test } from 'vitest'
import { Counters } from '../../../src/core/counters.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { SeededRandom } from '../../../src/core/seeded-random.ts'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'
import { StateOpener } from '../../../src/membership/state-opener.ts'
import { defaultTiming } from '../../../src/membership/timing.ts'
import type { MessageStream, Network } from '../../../src/network/network.ts'
import { crypto } from './fake-mesh.ts'

const timing = { ...defaultTiming, redial: 100, redialMax: 1_000, hello: 4_000 }

/** An opener whose attempts fail until `stream` is set; the times at which it tried. */
function opener(self = 'b') {
  const clock = new VirtualClock()
  const counters = new Counters()
  const state = {
    tries: [] as number[],
    isMissing: true,
    stream: undefined as MessageStream | undefined,
    isSilent: false,
    opened: 0,
  }
  const open = (_peer: string, _protocol: string, { signal }: { signal: AbortSignal }): Promise<MessageStream> => {
    state.tries.push(clock.monotonic())
    if (state.isSilent)
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    return state.stream === undefined ? Promise.reject(new Error('no')) : Promise.resolve(state.stream)
  }
  const network = { id: self, streams: { open } } as unknown as Network
  const ports = { clock, random: new SeededRandom(5), crypto, logger: silentLogger, counters }
  const opened = (): void => {
    state.opened += 1
    state.isMissing = false
  }
  const made = new StateOpener({ ports, network, isMissing: () => state.isMissing, opened }, timing)
  const waits = (): number[] => state.tries.slice(1).map((at, index) => at - state.tries[index]!)
  return { clock, counters, state, opener: made, waits }
}

test('tries at once, then after waits that double up to the longest, each shortened by half at most', async () => {
  const { clock, counters, state, opener: one, waits } = opener()
  one.open('a')
  await clock.advance(5_000)
  expect(state.tries[0]).toBe(0)
  const longest = [200, 400, 800, 1_000, 1_000]
  for (const [at, limit] of longest.entries()) {
    expect(waits()[at]).toBeLessThanOrEqual(limit)
    expect(waits()[at]).toBeGreaterThanOrEqual(limit / 2)
  }
  expect(counters.get('membership.state.open-failed')).toBe(state.tries.length)
})

test('ends when there is a stream, whoever made it', async () => {
  const { clock, state, opener: one } = opener()
  one.open('a')
  await clock.advance(1)
  state.stream = {} as MessageStream
  await clock.advance(5_000)
  expect(state).toMatchObject({ opened: 1 })
  const { length } = state.tries
  one.reopen('a')
  await clock.advance(5_000)
  expect(state.tries).toHaveLength(length)
})

test('leaves it to the peer with the larger id', async () => {
  const { clock, state, opener: one } = opener('A')
  one.open('a')
  one.reopen('a')
  await clock.advance(5_000)
  expect(state.tries).toEqual([])
})

test('opens a lost stream again after a wait, and only one wait is under way', async () => {
  const { clock, state, opener: one } = opener()
  state.stream = {} as MessageStream
  one.reopen('a')
  one.reopen('a')
  expect(state.tries).toEqual([])
  await clock.advance(100)
  expect(state).toMatchObject({ opened: 1 })
  expect(state.tries).toHaveLength(1)
})

test('gives up a peer that is forgotten, and everybody when stopped', async () => {
  const forgotten = opener()
  forgotten.opener.reopen('a')
  forgotten.opener.forget('a')
  await forgotten.clock.advance(5_000)
  expect(forgotten.state.tries).toEqual([])
  const stopped = opener()
  stopped.opener.reopen('a')
  stopped.opener.stop()
  stopped.opener.open('a')
  stopped.opener.reopen('a')
  await stopped.clock.advance(5_000)
  expect(stopped.state.tries).toEqual([])
})

test('an attempt that hears nothing ends after the time for a hello, and the next one follows', async () => {
  const { clock, state, opener: one } = opener()
  state.isSilent = true
  one.open('a')
  await clock.advance(timing.hello - 1)
  expect(state.tries).toHaveLength(1)
  await clock.advance(202)
  expect(state.tries).toHaveLength(2)
})
