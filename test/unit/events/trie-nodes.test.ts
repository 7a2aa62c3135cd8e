import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { NONE, TrieNodes } from '../../../src/events/trie-nodes.ts'

describe('the nodes of a trie', () => {
  test('a new one has only an empty root', () => {
    const nodes = new TrieNodes()
    expect(nodes.isEmpty(TrieNodes.root)).toBe(true)
    expect(nodes.child(TrieNodes.root, 0)).toBe(NONE)
    expect(nodes.star(TrieNodes.root)).toBe(NONE)
    expect(nodes.parent(TrieNodes.root)).toBe(NONE)
  })

  test('a node is not empty while it has values, a rest, a child or a wildcard', () => {
    const nodes = new TrieNodes()
    const node = nodes.addChild(TrieNodes.root, 3)
    nodes.setValues(node, 2)
    expect([nodes.values(node), nodes.rest(node), nodes.isEmpty(node)]).toEqual([2, 0, false])
    nodes.setValues(node, 0)
    nodes.setRest(node, 1)
    expect([nodes.values(node), nodes.rest(node), nodes.isEmpty(node)]).toEqual([0, 1, false])
    nodes.setRest(node, 0)
    const star = nodes.addStar(node)
    expect([nodes.isEmpty(node), nodes.star(node), nodes.key(star), nodes.key(node)]).toEqual([false, star, NONE, 3])
    nodes.remove(star)
    expect(nodes.isEmpty(node)).toBe(true)
    nodes.addChild(node, 4)
    expect(nodes.isEmpty(node)).toBe(false)
  })

  test('finds the last of several children after the others went', () => {
    const nodes = new TrieNodes()
    const [first, second] = [nodes.addChild(TrieNodes.root, 1), nodes.addChild(TrieNodes.root, 2)]
    nodes.remove(first)
    expect(nodes.child(TrieNodes.root, 1)).toBe(NONE)
    expect(nodes.child(TrieNodes.root, 2)).toBe(second)
    nodes.remove(second)
    expect(nodes.isEmpty(TrieNodes.root)).toBe(true)
    expect(nodes.child(TrieNodes.root, 2)).toBe(NONE)
  })

  test('finds every child while it grows and shrinks, as a map does', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2_500 }), fc.integer({ min: 1, max: 40 }), (count, parents) => {
        const nodes = new TrieNodes()
        const tops = Array.from({ length: parents }, (_, key) => nodes.addChild(TrieNodes.root, key))
        const model = new Map<string, number>()
        for (let n = 0; n < count; n += 1) {
          const parent = tops[n % parents]!
          model.set(`${parent} ${n}`, nodes.addChild(parent, n))
        }
        for (const [name, node] of [...model].filter((_, n) => n % 3 !== 0)) {
          nodes.remove(node)
          model.delete(name)
        }
        for (let n = 0; n < count; n += 1) {
          const parent = tops[n % parents]!
          expect(nodes.child(parent, n)).toBe(model.get(`${parent} ${n}`) ?? NONE)
        }
      }),
      { numRuns: 30 },
    )
  })
})
