import { expect, test } from 'vitest'
import { OfferIndex } from '../../../src/membership/offer-index.ts'
import { FLAG_LEFT, type StateEntry } from '../../../src/membership/state-entry.ts'
import { StateMap } from '../../../src/membership/state-map.ts'
import { entry } from './entry.ts'
import { crypto } from './fake-mesh.ts'

const offer = { agent: 'x', capability: 'c', version: '1', cost: 2, proficiency: 'expert' as const }

/** `asked` counts the agents whose owner was looked for. */
function setup() {
  const map = new StateMap(crypto, 'self', 30_000)
  let asked = 0
  const index = new OfferIndex(map, (agent) => {
    asked += 1
    return agent !== 'of somebody else'
  })
  const tell = (...entries: StateEntry[]): void => {
    for (const one of entries) map.apply(one, 0)
    index.refresh(map.takeChanged())
  }
  return { map, index, tell, asked: () => asked }
}

test('offers are found by capability with the context that has them, sorted by context', () => {
  const { index, tell } = setup()
  expect(index.of('c')).toEqual([])
  tell(entry('e', 1, { offers: [offer, { ...offer, agent: 'of somebody else' }] }))
  tell(entry('b', 1, { offers: [offer, { ...offer, capability: 'd' }, { ...offer, agent: 'y' }] }))
  expect(index.of('c')).toEqual([
    { ...offer, context: 'b' },
    { ...offer, agent: 'y', context: 'b' },
    { ...offer, context: 'e' },
  ])
  expect(index.of('d')).toHaveLength(1)
})

test('a renewal costs nothing, and a change only what that member offers', () => {
  const { map, index, tell, asked } = setup()
  tell(entry('b', 1, { offers: [offer, offer] }), entry('e', 1, { offers: [{ ...offer, capability: 'd' }] }))
  const [ofC, ofD] = [index.of('c'), index.of('d')]
  expect(asked()).toBe(3)
  const { head, ...rest } = map.get('b')!
  tell({ ...rest, head: { ...head, version: 2 } })
  expect([asked(), index.of('c') === ofC, index.of('d') === ofD]).toEqual([3, true, true])
  tell(entry('b', 3, { offers: [offer] }))
  expect([asked(), index.of('c'), index.of('d') === ofD]).toEqual([4, [{ ...offer, context: 'b' }], true])
})

test('offers go with their owner, and with those that offer them no more', () => {
  const { map, index, tell } = setup()
  tell(entry('b', 1, { offers: [offer] }), entry('e', 1, { offers: [offer] }))
  tell(entry('b', 2, { offers: [offer] }, FLAG_LEFT))
  expect(index.of('c')).toEqual([{ ...offer, context: 'e' }])
  tell(entry('e', 2, {}))
  expect(index.of('c')).toEqual([])
  tell(entry('e', 3, { offers: [offer] }))
  map.expire(60_000)
  index.refresh(map.takeChanged())
  expect(index.of('c')).toEqual([])
})
