import { expect, test } from 'vitest'
import { lonely } from './context-world.ts'

const cyclic: Record<string, unknown> = {}
cyclic['self'] = cyclic

test.each([
  ['a cycle', cyclic],
  ['a number that is none', { load: Number.NaN }],
  ['a BigInt', { count: 1n }],
  ['a function', { run: () => 1 }],
  ['half a surrogate pair', { text: '\ud800' }],
])('EV-1 data with %s is refused before anybody sees it', async (_, data) => {
  const { context } = lonely()
  const seen: unknown[] = []
  context.subscribe('amcp.domain.x', (event) => void seen.push(event.data))
  await expect(context.publish('amcp.domain.x', data)).rejects.toMatchObject({ code: 'ERR_EVENT_INVALID' })
  expect(seen).toEqual([])
})

test('EV-1 data of 256 KiB is published and one byte more is not, as text or bytes, whether or not somebody listens', async () => {
  const { context } = lonely()
  for (const size of [262_142, 262_143]) {
    const published = context.publish('amcp.domain.x', 'a'.repeat(size))
    const bytes = context.publish('amcp.domain.x', new Uint8Array(size + 2))
    for (const outcome of [published, bytes]) {
      if (size === 262_142) await outcome
      else await expect(outcome).rejects.toMatchObject({ details: { size: 262_145, limit: 262_144 } })
    }
  }
})

test('EV-1 data over the limit is refused, and the error says how to send more', async () => {
  const { context } = lonely()
  await expect(context.publish('amcp.domain.x', 'a'.repeat(300_000))).rejects.toMatchObject({
    code: 'ERR_EVENT_TOO_LARGE',
    message: expect.stringContaining('split it'),
  })
})

test('an endless loop of publishes lets everything else have its turn', async () => {
  const { context, clock } = lonely()
  await context.start()
  let published = 0
  const endless = (async () => {
    for (; published < 5_000; published += 1) await context.publish('amcp.domain.a', null)
  })()
  await Promise.resolve()
  // What runs as microtasks has run when a macrotask comes.
  await new Promise((resolve) => setImmediate(resolve))
  expect(published).toBe(1_023)
  await clock.advance(1)
  await endless
  expect(published).toBe(5_000)
})
