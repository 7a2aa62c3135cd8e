import { expect, test } from 'vitest'
import { ThreadWatchdog } from '../../../src/agent/thread-watchdog.ts'
import { noWatch } from '../../../src/agent/watch.ts'
import { systemPorts } from '../../../src/core/default-ports.ts'
import { silentLogger } from '../../../src/core/logger.ts'

const id = (number: number): string => `00000000-0000-8000-8000-${String(number).padStart(12, '0')}`

test('keeps who runs through nested calls, and gives the slots of long gone agents to others', () => {
  const watch = new ThreadWatchdog(systemPorts())
  const first = watch.enter(id(0))
  expect(first).toBe(0)
  const second = watch.enter(id(1))
  expect(second).toBe(1)
  watch.leave(second)
  expect(watch.enter(id(2))).toBe(1)
  watch.leave(0)
  for (let number = 3; number < 3_000; number++) watch.leave(watch.enter(id(number)))
  expect(watch.enter(id(0))).toBe(0)
})

test('AG-3 reports to its own thread, too, when that runs again, and starts and stops any number of times', async () => {
  const ports = systemPorts()
  const reported = Promise.withResolvers<string | undefined>()
  const watch = new ThreadWatchdog(ports, { limit: 40, onBlocked: reported.resolve })
  await watch.stop()
  await watch.start()
  await watch.start()
  const outer = watch.enter(id(7))
  const blockedUntil = ports.clock.monotonic() + 400
  while (ports.clock.monotonic() < blockedUntil);
  watch.leave(outer)
  expect(await reported.promise).toBe(id(7))
  await watch.stop()
  await watch.stop()
})

test('names those whose handlers are under way when nobody runs, and not those that are through or forgotten', async () => {
  const ports = systemPorts()
  const reported = Promise.withResolvers<readonly string[]>()
  const onBlocked = (agent: string | undefined, suspects: readonly string[]): void => {
    if (agent === undefined) reported.resolve(suspects)
  }
  const watch = new ThreadWatchdog(ports, { limit: 40, onBlocked })
  await watch.start()
  // Its slot is given away before it is through, which is no fault.
  watch.suspend(id(0))
  for (let number = 1; number <= 1_024; number++) watch.leave(watch.enter(id(number)))
  watch.settle(id(0))
  watch.suspend(id(2_000))
  for (const number of [5, 6, 7]) watch.suspend(id(number))
  watch.settle(id(6))
  const blockedUntil = ports.clock.monotonic() + 400
  while (ports.clock.monotonic() < blockedUntil);
  expect((await reported.promise).toSorted()).toEqual([id(5), id(7), id(2_000)])
  await watch.stop()
})

test('a second thread that cannot start fails the start', async () => {
  const watch = new ThreadWatchdog(systemPorts(), { limit: Symbol('not cloneable') as unknown as number })
  await expect(watch.start()).rejects.toThrow('could not be cloned')
})

test('a second thread that fails later is logged and counted, since nobody looks any more', async () => {
  const failed = Promise.withResolvers<unknown>()
  const ports = systemPorts({ logger: { ...silentLogger, error: ({ err }) => failed.resolve(err) } })
  // Good for reckoning, but not for JSON: the report itself fails.
  const watch = new ThreadWatchdog(ports, { limit: [40n] as unknown as number })
  await watch.start()
  const blockedUntil = ports.clock.monotonic() + 400
  while (ports.clock.monotonic() < blockedUntil);
  expect(await failed.promise).toBeInstanceOf(TypeError)
  expect(ports.counters.get('agents.watchdog-failed')).toBe(1)
  await watch.stop()
})

test('who is not watched costs nothing', () => {
  expect(noWatch.enter('a')).toBe(0)
  expect([noWatch.suspend('a'), noWatch.settle('a')]).toEqual([undefined, undefined])
  expect(noWatch.leave(0)).toBeUndefined()
})
