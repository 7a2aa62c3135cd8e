import { expect, test } from 'vitest'
import { SlowNeighbours } from '../../../../src/network/libp2p/slow-neighbours.ts'

const KIBIBYTE = 1_024
const FULL = 64 * KIBIBYTE

/** Looks at streams of which each moves so many bytes between two looks; those named by capitals are full. */
function watched() {
  const slow = new SlowNeighbours()
  const streams = new Map<string, { stream: { name: string }; waiting: number; sent: number }>()
  const look = (moved: Record<string, number>, times = 1): string[] => {
    let last: string[] = []
    for (let at = 0; at < times; at += 1) {
      for (const [name, bytes] of Object.entries(moved)) {
        const key = name.toLowerCase()
        const one = streams.get(key) ?? { stream: { name: key }, waiting: 0, sent: 0 }
        const waiting = name === key ? 0 : FULL
        streams.set(key, { ...one, waiting, sent: one.sent + bytes })
      }
      last = [...slow.look([...streams], FULL)].map((one) => (one as { name: string }).name)
    }
    return last
  }
  return { look, streams }
}

test('passes over who holds up others for longer than two seconds, until it has caught up for a while', () => {
  const { look } = watched()
  expect(look({ A: 50_000, b: 50_000, c: 50_000 })).toEqual([])
  expect(look({ A: 50_000, b: 50_000, c: 50_000 }, 3)).toEqual([])
  expect(look({ A: 50_000, b: 50_000, c: 50_000 }, 2)).toEqual(['a'])
  expect(look({ A: 50_000, b: 500_000, c: 500_000 }, 100)).toEqual(['a'])
  expect(look({ a: 50_000, b: 500_000, c: 500_000 })).toEqual(['a'])
  expect(look({ a: 50_000, b: 500_000, c: 500_000 }, 60)).toEqual([])
})

test('gives the whole budget back in a minute', () => {
  const { look } = watched()
  look({ A: 1, b: 1 }, 4)
  expect(look({ a: 1, b: 1 }, 120)).toEqual([])
  expect(look({ A: 1, b: 1 }, 3)).toEqual([])
})

test.each([
  ['who is alone', { A: 50_000 }],
  ['who alone has any traffic', { A: 50_000, b: 0, c: 10 }],
  ['who reads briskly', { A: 1_048_576, b: 1_048_576 }],
  ['more than are ahead of them', { A: 50_000, B: 50_000, c: 50_000 }],
])('waits for %s: such a one is merely slower than the publisher', (_who, moved) => {
  const { look } = watched()
  expect(look(moved, 200)).toEqual([])
})

test('begins anew with another stream of the same peer', () => {
  const { look, streams } = watched()
  expect(look({ A: 1, b: 1 }, 6)).toEqual(['a'])
  streams.set('a', { stream: { name: 'another' }, waiting: FULL, sent: 0 })
  expect(look({ A: 1, b: 1 }, 3)).toEqual([])
})
