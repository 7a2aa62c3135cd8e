import assert from 'node:assert/strict'
import type { ScanOptions, Store } from '../core/store.ts'

export interface OpenStore extends AsyncDisposable {
  readonly store: Store
}

export interface StoreSuite {
  describe(name: string, body: () => void): void
  test(name: string, body: () => Promise<void>): void
  /** An empty store. */
  open(): Promise<OpenStore>
}

const key = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes)
const put = (space: string, at: Uint8Array, value: Uint8Array = at) => ({ type: 'put', space, key: at, value }) as const

async function keysIn(store: Store, space: string, options?: ScanOptions): Promise<number[][]> {
  const keys: number[][] = []
  for await (const [found] of store.scan(space, options)) keys.push([...found])
  return keys
}

/** What every Store promises. */
export function storeConformance(name: string, { describe, test, open }: StoreSuite): void {
  describe(`Store: ${name}`, () => {
    test('gives back what was put, as plain bytes, and undefined for the rest', async () => {
      await using opened = await open()
      const { store } = opened
      await store.batch([put('a', key(1), key(7, 8)), put('a', key(), key()), put('a', key(0, 255), key(9))])
      assert.deepEqual(await store.get('a', key(1)), key(7, 8))
      assert.deepEqual(await store.get('a', key()), key())
      assert.deepEqual(await store.get('a', key(0, 255)), key(9))
      assert.equal(await store.get('a', key(2)), undefined)
      assert.equal(await store.get('b', key(1)), undefined)
    })

    test('overwrites, deletes, and deletes what is not there', async () => {
      await using opened = await open()
      const { store } = opened
      await store.batch([put('a', key(1), key(1)), put('a', key(2))])
      await store.batch([put('a', key(1), key(5))], { sync: true })
      await store.batch([
        { type: 'delete', space: 'a', key: key(2) },
        { type: 'delete', space: 'a', key: key(3) },
      ])
      await store.batch([])
      assert.deepEqual(await store.get('a', key(1)), key(5))
      assert.deepEqual(await keysIn(store, 'a'), [[1]])
    })

    test('applies the operations of a batch in order, across spaces', async () => {
      await using opened = await open()
      const { store } = opened
      await store.batch([
        put('a', key(1)),
        { type: 'delete', space: 'a', key: key(1) },
        put('b', key(1)),
        put('b', key(1), key(4)),
      ])
      assert.equal(await store.get('a', key(1)), undefined)
      assert.deepEqual(await store.get('b', key(1)), key(4))
    })

    test('writes nothing of a batch with an illegal operation', async () => {
      await using opened = await open()
      const { store } = opened
      await assert.rejects(store.batch([put('a', key(1)), put('', key(1))]), RangeError)
      await assert.rejects(store.batch([put('a', key(1)), put('x'.repeat(256), key(1))]), RangeError)
      assert.deepEqual(await keysIn(store, 'a'), [])
    })

    test('keeps spaces apart whose names and keys run into each other', async () => {
      await using opened = await open()
      const { store } = opened
      const letter = 'b'.charCodeAt(0)
      await store.batch([
        put('a', key(letter, 1)),
        put('ab', key(1), key(77)),
        put('ab', key(2)),
        put('a', key(255, 255)),
        put('é', key(2)),
      ])
      assert.deepEqual(await keysIn(store, 'a'), [
        [letter, 1],
        [255, 255],
      ])
      assert.deepEqual(await keysIn(store, 'ab'), [[1], [2]])
      assert.deepEqual(await store.get('a', key(letter, 1)), key(letter, 1))
      assert.deepEqual(await keysIn(store, 'é'), [[2]])
    })

    test('scans in the order of the bytes, with values', async () => {
      await using opened = await open()
      const { store } = opened
      const keys = [key(255), key(1, 0), key(), key(128), key(1), key(2)]
      await store.batch(keys.map((at) => put('a', at, key(...at, 42))))
      const found: number[][] = []
      for await (const [at, value] of store.scan('a')) {
        assert.deepEqual([...value], [...at, 42])
        found.push([...at])
      }
      assert.deepEqual(found, [[], [1], [1, 0], [2], [128], [255]])
    })

    test('scans from a key inclusive to a key exclusive, backwards, up to a limit', async () => {
      await using opened = await open()
      const { store } = opened
      await store.batch([1, 2, 3, 4, 5].map((at) => put('a', key(at))))
      assert.deepEqual(await keysIn(store, 'a', { from: key(2), to: key(4) }), [[2], [3]])
      assert.deepEqual(await keysIn(store, 'a', { from: key(4) }), [[4], [5]])
      assert.deepEqual(await keysIn(store, 'a', { to: key(2) }), [[1]])
      assert.deepEqual(await keysIn(store, 'a', { reverse: true, limit: 2 }), [[5], [4]])
      assert.deepEqual(await keysIn(store, 'a', { from: key(2), to: key(5), reverse: true, limit: 1 }), [[4]])
      assert.deepEqual(await keysIn(store, 'a', { limit: 0 }), [])
      assert.deepEqual(await keysIn(store, 'a', { from: key(4), to: key(2) }), [])
    })

    test('shows a scan that has begun nothing of later writes', async () => {
      await using opened = await open()
      const { store } = opened
      await store.batch([put('a', key(1)), put('a', key(2))])
      const found: number[][] = []
      for await (const [at] of store.scan('a')) {
        found.push([...at])
        await store.batch([{ type: 'delete', space: 'a', key: key(2) }, put('a', key(3))])
      }
      assert.deepEqual(found, [[1], [2]])
    })

    test('hands on what the reader of a scan throws, and can be closed after it', async () => {
      await using opened = await open()
      const { store } = opened
      await store.batch([put('a', key(1)), put('a', key(2))])
      const fault = new Error('of the reader')
      const reading = async (): Promise<void> => {
        for await (const _ of store.scan('a')) throw fault
      }
      await assert.rejects(reading(), (thrown) => thrown === fault)
      await store.close()
    })

    test('keeps values apart from the arrays that were put', async () => {
      await using opened = await open()
      const { store } = opened
      const value = key(1, 2, 3)
      const at = key(1)
      await store.batch([put('a', at, value)])
      at.fill(9)
      value.fill(9)
      assert.deepEqual(await store.get('a', key(1)), key(1, 2, 3))
    })

    test('takes batches of thousands', async () => {
      await using opened = await open()
      const { store } = opened
      const many = Array.from({ length: 5_000 }, (_, at) => put('a', key(at >>> 8, at & 255)))
      await store.batch(many)
      assert.equal((await keysIn(store, 'a')).length, 5_000)
    })

    test('refuses everything with ERR_STORE_CLOSED once closed; closing again does nothing', async () => {
      await using opened = await open()
      const { store } = opened
      await store.batch([put('a', key(1))])
      await store.close()
      await store.close()
      const closed = { code: 'ERR_STORE_CLOSED' }
      await assert.rejects(store.get('a', key(1)), closed)
      await assert.rejects(store.batch([put('a', key(1))]), closed)
      await assert.rejects(keysIn(store, 'a'), closed)
    })

    test('ends a scan with ERR_STORE_CLOSED when it is closed under it', async () => {
      await using opened = await open()
      const { store } = opened
      await store.batch(
        Array.from({ length: 5_000 }, (_, at) => put('a', key(at >>> 8, at & 255), new Uint8Array(100))),
      )
      const reading = async (): Promise<void> => {
        for await (const _ of store.scan('a')) await store.close()
      }
      await assert.rejects(reading(), { code: 'ERR_STORE_CLOSED' })
    })
  })
}
