import { MemoryLevel } from 'memory-level'
import { describe, expect, test } from 'vitest'
import { AbstractLevelStore } from '../../../src/core/abstract-level-store.ts'

describe('a store whose database fails', () => {
  const fault = (code: string): Error => Object.assign(new Error(code), { code })
  const failing = (code: string): AbstractLevelStore => {
    const level = new MemoryLevel<Uint8Array, Uint8Array>({ keyEncoding: 'view', valueEncoding: 'view' })
    const fail = (): Promise<never> => Promise.reject(fault(code))
    Object.assign(level, {
      get: fail,
      batch: fail,
      iterator: () => ({ [Symbol.asyncIterator]: () => ({ next: fail }) }),
    })
    return new AbstractLevelStore(level as never)
  }
  const key = Uint8Array.of(1)

  test('says by code what happened, whatever was asked of it', async () => {
    const store = failing('LEVEL_CORRUPTION')
    const typed = { code: 'ERR_STORE_UNREADABLE', message: expect.stringContaining('LEVEL_CORRUPTION') }
    await expect(store.get('a', key)).rejects.toMatchObject(typed)
    await expect(store.batch([{ type: 'delete', space: 'a', key }])).rejects.toMatchObject(typed)
    await expect(store.scan('a')[Symbol.asyncIterator]().next()).rejects.toMatchObject(typed)
    await expect(failing('LEVEL_ITERATOR_NOT_OPEN').get('a', key)).rejects.toMatchObject({ code: 'ERR_STORE_CLOSED' })
  })

  test('refuses spaces without a name, or with one of more than 255 bytes', async () => {
    const store = failing('never')
    for (const space of ['', 'x'.repeat(256), 'é'.repeat(128)])
      await expect(store.get(space, key)).rejects.toThrow(RangeError)
  })
})
