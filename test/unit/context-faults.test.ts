import { expect, test, vi } from 'vitest'
import { ContextFaults } from '../../src/context-faults.ts'
import { Counters } from '../../src/core/counters.ts'
import { AmcpError } from '../../src/core/errors.ts'
import { silentLogger } from '../../src/core/logger.ts'
import type { Ports } from '../../src/core/ports.ts'
import { SeededRandom } from '../../src/core/seeded-random.ts'
import { simulatedCrypto } from '../../src/core/simulated-crypto.ts'
import { VirtualClock } from '../../src/core/virtual-clock.ts'

function parts(): { ports: Ports; clock: VirtualClock; error: ReturnType<typeof vi.fn> } {
  const clock = new VirtualClock()
  const error = vi.fn()
  const logger = { ...silentLogger, error }
  const ports = { clock, random: new SeededRandom(1), crypto: simulatedCrypto(), logger, counters: new Counters() }
  return { ports, clock, error }
}

const duplicate = new AmcpError('ERR_DUPLICATE_IDENTITY', 'twice')

test('a fault during the start ends the start, like the caller’s own signal', () => {
  const { ports } = parts()
  const faults = new ContextFaults(ports, 0)
  faults.raise(duplicate)
  expect(faults.signal.reason).toBe(duplicate)
  const mine = new AbortController()
  const other = new ContextFaults(ports, 0, { signal: mine.signal })
  mine.abort('enough')
  expect(other.signal.reason).toBe('enough')
})

test('a fault later stops the context and tells who asked for it', async () => {
  const { ports, error } = parts()
  const onFault = vi.fn()
  const faults = new ContextFaults(ports, 0, { onFault })
  const stop = vi.fn(() => Promise.reject(new Error('stuck')))
  faults.started(stop)
  faults.raise(duplicate)
  await vi.waitFor(() => expect(error).toHaveBeenCalledTimes(2))
  expect(onFault).toHaveBeenCalledWith(duplicate)
  expect(stop).toHaveBeenCalledTimes(1)
  expect(faults.signal.aborted).toBe(false)
})

test('the membership’s end is such a fault, unless the context stopped before', async () => {
  const { ports, clock } = parts()
  const reached: unknown[] = []
  for (const stopsBefore of [false, true]) {
    const faults = new ContextFaults(ports, clock.now() + 1_000, { onFault: ({ code }) => reached.push(code) })
    await faults.stop()
    await faults.start()
    faults.started(async () => {})
    if (stopsBefore) await faults.stop()
    await clock.advance(2_000)
  }
  expect(reached).toEqual(['ERR_MEMBERSHIP_EXPIRED'])
})
