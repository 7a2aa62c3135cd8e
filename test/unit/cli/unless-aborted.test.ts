import { expect, test } from 'vitest'
import { unlessAborted } from '../../../src/cli/unless-aborted.ts'

const reason = new Error('interrupted')
const never = new Promise<never>(() => {})

test('work that ends first is handed on, good or bad, and the signal is listened to no longer', async () => {
  const abort = new AbortController()
  const listening = new Set<unknown>()
  const { signal } = abort
  signal.addEventListener = (_type: string, listener: unknown) => void listening.add(listener)
  signal.removeEventListener = (_type: string, listener: unknown) => void listening.delete(listener)
  const working = unlessAborted(signal, Promise.resolve(7))
  expect(listening.size).toBe(1)
  expect(await working).toBe(7)
  await expect(unlessAborted(signal, Promise.reject(new Error('failed')))).rejects.toThrow('failed')
  await Promise.resolve()
  expect(listening.size).toBe(0)
})

test('an abort, before or while the work goes on, rejects with its reason', async () => {
  await expect(unlessAborted(AbortSignal.abort(reason), never)).rejects.toBe(reason)
  const abort = new AbortController()
  const working = unlessAborted(abort.signal, never)
  abort.abort(reason)
  await expect(working).rejects.toBe(reason)
})

test('work that fails after the abort is no unhandled rejection', async () => {
  const late = Promise.withResolvers<never>()
  await expect(unlessAborted(AbortSignal.abort(reason), late.promise)).rejects.toBe(reason)
  const unhandled: unknown[] = []
  const note = (error: unknown): void => void unhandled.push(error)
  process.on('unhandledRejection', note)
  late.reject(new Error('too late'))
  await new Promise((resolve) => setImmediate(resolve))
  process.off('unhandledRejection', note)
  expect(unhandled).toEqual([])
})
