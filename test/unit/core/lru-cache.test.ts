import { expect, test } from 'vitest'
import { LruCache } from '../../../src/core/lru-cache.ts'

test('a cache forgets what was used longest ago', () => {
  const cache = new LruCache<string, number>(2)
  cache.set('a', 1)
  cache.set('b', 2)
  expect(cache.get('a')).toBe(1)
  cache.set('c', 3)
  expect([cache.get('a'), cache.get('b'), cache.get('c'), cache.size]).toEqual([1, undefined, 3, 2])
  cache.set('a', 4)
  expect([cache.get('a'), cache.size]).toEqual([4, 2])
  expect([cache.delete('a'), cache.delete('a'), cache.size]).toEqual([true, false, 1])
})

test('a cache holds at least one entry', () => {
  expect(() => new LruCache(0)).toThrow(RangeError)
  expect(() => new LruCache(Number.NaN)).toThrow(RangeError)
})

test('a cache that was asked for the same key twice still forgets what was used longest ago', () => {
  const cache = new LruCache<string, number>(2)
  cache.set('a', 1)
  cache.set('b', 2)
  expect(cache.get('a')).toBe(1)
  expect(cache.get('a')).toBe(1)
  cache.set('c', 3)
  expect(cache.get('b')).toBeUndefined()
  expect(cache.get('a')).toBe(1)
  cache.set('d', 4)
  expect(cache.get('c')).toBeUndefined()
  expect(cache.get('a')).toBe(1)
})

test('a look-up that finds nothing makes no key the youngest', () => {
  const cache = new LruCache<string, number>(2)
  cache.set('a', 1)
  cache.set('b', 2)
  expect(cache.get('x')).toBeUndefined()
  expect(cache.get('a')).toBe(1)
  cache.set('c', 3)
  expect(cache.get('b')).toBeUndefined()
  expect(cache.get('a')).toBe(1)
})

test('a key that was deleted and set again is the youngest again', () => {
  const cache = new LruCache<string, number>(2)
  cache.set('a', 1)
  expect(cache.delete('a')).toBe(true)
  expect(cache.get('a')).toBeUndefined()
  cache.set('b', 2)
  cache.set('a', 3)
  cache.set('c', 4)
  expect(cache.get('b')).toBeUndefined()
  expect(cache.get('a')).toBe(3)
  expect(cache.size).toBe(2)
})
