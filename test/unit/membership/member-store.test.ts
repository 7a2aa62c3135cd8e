import { describe, expect, test } from 'vitest'
import { memoryStore } from '../../../src/core/memory-store.ts'
import { MemberStore } from '../../../src/membership/member-store.ts'

const HEX = (digit: string): string => digit.repeat(32)

describe('the store of members', () => {
  test('remembers the own version and what was seen of others', async () => {
    const store = await memoryStore()
    const first = new MemberStore(store)
    expect(await first.load()).toBe(0)
    first.noteOwn(7)
    first.noteOwn(3)
    first.note('peer', HEX('1'), 5)
    first.note('peer', HEX('1'), 4)
    await first.save()
    const second = new MemberStore(store)
    expect(await second.load()).toBe(7)
    expect(second.seenOf('peer')).toEqual({ incarnation: HEX('1'), version: 5, heads: {} })
    expect(second.seenOf('other')).toBeUndefined()
  })

  test('writes one batch of what changed, and none when nothing did', async () => {
    const store = await memoryStore()
    const batches: number[] = []
    const batch = store.batch.bind(store)
    store.batch = (operations, options) => {
      batches.push(operations.length)
      return batch(operations, options)
    }
    const members = new MemberStore(store)
    await members.load()
    members.noteOwn(1)
    members.note('a', HEX('1'), 1)
    members.note('b', HEX('1'), 1)
    await members.save()
    await members.save()
    expect(batches).toEqual([3])
  })

  test('what could not be written is written by the next save: versions, members and who is forgotten', async () => {
    const store = await memoryStore()
    const members = new MemberStore(store)
    await members.load()
    for (let n = 0; n < 1_024; n += 1) members.note(`peer-${n}`, HEX('1'), 1)
    await members.save()
    const batch = store.batch.bind(store)
    store.batch = () => Promise.reject(new Error('disk full'))
    members.noteOwn(7)
    members.note('late', HEX('1'), 5)
    await expect(members.save()).rejects.toThrow('disk full')
    store.batch = batch
    await members.save()
    const second = new MemberStore(store)
    expect(await second.load()).toBe(7)
    expect(second.seenOf('late')).toMatchObject({ version: 5 })
    expect(second.seenOf('peer-0')).toBeUndefined()
    expect(second.seenOf('peer-1')).toBeDefined()
  })

  test.each([
    ['self', 'no number'],
    ['self', '-1'],
    ['self', 'null'],
    ['peer/one', '{"incarnation":"11"'],
    ['peer/one', 'null'],
    ['peer/one', '{"incarnation":1,"version":1,"heads":{}}'],
  ])('says ERR_STORE_UNREADABLE of a damaged record: %s = %s', async (key, value) => {
    const store = await memoryStore()
    const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
    await store.batch([{ type: 'put', space: 'membership', key: bytes(key), value: bytes(value) }])
    await expect(new MemberStore(store).load()).rejects.toMatchObject({ code: 'ERR_STORE_UNREADABLE' })
  })

  test('forgets those seen longest ago beyond its limit', async () => {
    const store = await memoryStore()
    const first = new MemberStore(store)
    await first.load()
    for (let n = 0; n < 1_030; n += 1) first.note(`peer-${n}`, HEX('1'), 1)
    first.note('peer-0', HEX('2'), 2)
    await first.save()
    const second = new MemberStore(store)
    await second.load()
    expect(second.seenOf('peer-0')).toMatchObject({ version: 2 })
    expect(second.seenOf('peer-1')).toBeUndefined()
    expect(second.seenOf('peer-1029')).toBeDefined()
  })
})
