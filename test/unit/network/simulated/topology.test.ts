import { describe, expect, test } from 'vitest'
import { mayLink } from '../../../../src/network/simulated/topology.ts'

describe('topologies', () => {
  const links = (topology: Parameters<typeof mayLink>[0], count: number): string[] => {
    const found: string[] = []
    for (let one = 0; one < count; one += 1)
      for (let other = one + 1; other < count; other += 1)
        if (mayLink(topology, one, other, count)) found.push(`${one}${other}`)
    return found
  }

  test('say who is whose neighbour', () => {
    expect(links('full', 4)).toEqual(['01', '02', '03', '12', '13', '23'])
    expect(links('line', 4)).toEqual(['01', '12', '23'])
    expect(links('ring', 4)).toEqual(['01', '03', '12', '23'])
    expect(links((one, other) => one + other === 3, 4)).toEqual(['03', '12'])
  })
})
