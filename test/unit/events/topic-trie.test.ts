import { describe, expect, test } from 'vitest'
import { TopicTrie } from '../../../src/events/topic-trie.ts'

const trieOf = (...patterns: string[]): TopicTrie<string> => {
  const trie = new TopicTrie<string>()
  for (const pattern of patterns) trie.add(pattern, pattern)
  return trie
}

describe('the topic trie', () => {
  test('TP-1 finds exact topics, one level and the rest', () => {
    const trie = trieOf('a.b.c', 'a.*.c', 'a.>', '>', 'a.b', '*.*.*', 'x.>')
    expect(trie.match('a.b.c').sort()).toEqual(['*.*.*', '>', 'a.*.c', 'a.>', 'a.b.c'])
    expect(trie.match('a.b').sort()).toEqual(['>', 'a.>', 'a.b'])
    expect(trie.match('a').sort()).toEqual(['>'])
  })

  test('takes ** for >', () => {
    const trie = trieOf('a.**')
    expect(trie.match('a.b.c')).toEqual(['a.**'])
    expect(trie.remove('a.>', 'a.**')).toBe(true)
  })

  test('finds nothing for a topic deeper than any may be', () => {
    expect(trieOf('>').match(Array(70).fill('a').join('.'))).toEqual([])
  })

  test('appends to the array it is given', () => {
    const out = ['before']
    expect(trieOf('a').match('a', out)).toBe(out)
    expect(out).toEqual(['before', 'a'])
  })

  test('keeps a pair as often as it was added', () => {
    const trie = trieOf('a.b', 'a.b')
    expect(trie.size).toBe(2)
    expect(trie.remove('a.b', 'a.b')).toBe(true)
    expect(trie.match('a.b')).toEqual(['a.b'])
    expect(trie.remove('a.b', 'a.b')).toBe(true)
    expect(trie.remove('a.b', 'a.b')).toBe(false)
    expect(trie.size).toBe(0)
  })

  test('removes only what is there', () => {
    const trie = trieOf('a.b')
    expect(trie.remove('a.b', 'other')).toBe(false)
    expect(trie.remove('a.c', 'a.b')).toBe(false)
    expect(trie.remove('a.*', 'a.b')).toBe(false)
    expect(trie.remove('a.>', 'a.b')).toBe(false)
    expect(trie.remove('z.>', 'a.b')).toBe(false)
    expect(trie.size).toBe(1)
  })

  test('forgets levels that no pattern uses any more and finds the others still', () => {
    const trie = trieOf('a.b.c', 'a.b.d', 'a.x.*', 'a.x.>', 'q.r.s', 'a.b')
    for (const pattern of ['a.b.c', 'a.x.*', 'q.r.s', 'a.x.>']) expect(trie.remove(pattern, pattern)).toBe(true)
    expect(trie.match('a.b.c')).toEqual([])
    expect(trie.match('a.b.d')).toEqual(['a.b.d'])
    expect(trie.match('a.b')).toEqual(['a.b'])
    trie.add('new.r', 'new.r')
    expect(trie.match('new.r')).toEqual(['new.r'])
    expect(trie.match('q.r.s')).toEqual([])
  })

  test('empties a node with many children one by one', () => {
    const patterns = Array.from({ length: 20 }, (_, index) => `root.${index}`)
    const trie = trieOf(...patterns)
    for (const pattern of patterns) {
      expect(trie.match(pattern)).toEqual([pattern])
      expect(trie.remove(pattern, pattern)).toBe(true)
      expect(trie.match(pattern)).toEqual([])
    }
    expect(trie.size).toBe(0)
  })
})
