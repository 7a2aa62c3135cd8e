import { describe, expect, test } from 'vitest'
import { agentMint } from '../../src/context-agents.ts'
import { SeededRandom } from '../../src/core/seeded-random.ts'
import { simulatedCrypto } from '../../src/core/simulated-crypto.ts'

describe('a context’s agents', () => {
  const mint = (seed: number) =>
    agentMint({ crypto: simulatedCrypto(), random: new SeededRandom(seed) }, new Uint8Array(32).fill(seed))

  test('have the same id for the same type and name, a new one without a name', () => {
    const ids = mint(1)
    expect(ids.mint('a', 'x')).toBe(ids.mint('a', 'x'))
    expect(new Set([ids.mint('a', 'x'), ids.mint('b', 'x'), ids.mint('a', 'y'), mint(2).mint('a', 'x')]).size).toBe(4)
    expect(ids.mint('a', undefined)).not.toBe(ids.mint('a', undefined))
  })

  test('are told from those of others, also when more were asked for than are remembered', () => {
    const [ours, theirs] = [mint(1), mint(2)]
    const [own, foreign] = [ours.mint('a', 'x'), theirs.mint('a', 'x')]
    for (let number = 0; number < 17_000; number++)
      ours.owns(`${foreign.slice(0, -6)}${String(number).padStart(6, '0')}`)
    expect([ours.owns(own), ours.owns(own), ours.owns(foreign), theirs.owns(foreign)]).toEqual([
      true,
      true,
      false,
      true,
    ])
  })
})
