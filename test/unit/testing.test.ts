import * as testing from 'amcp-mesh/testing'
import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../src/core/seeded-random.ts'

describe('amcp-mesh/testing', () => {
  test('exports a conformance suite for each port, the fuzzer and its samples', () => {
    expect(Object.keys(testing).sort()).toEqual([
      'brokerConformance',
      'clockConformance',
      'cryptoConformance',
      'fuzzFrames',
      'networkConformance',
      'randomConformance',
      'sampleEvent',
      'sampleFrames',
      'seal',
      'storeConformance',
    ])
  })

  test('its suites run on any runner that has describe and test', async () => {
    const names: string[] = []
    const bodies: (() => Promise<void>)[] = []
    testing.randomConformance('seeded', {
      describe: (name, body) => {
        names.push(name)
        body()
      },
      test: (name, body) => {
        names.push(name)
        bodies.push(body)
      },
      open: async () => ({ random: new SeededRandom(1), async [Symbol.asyncDispose]() {} }),
    })
    expect(names[0]).toContain('seeded')
    expect(bodies.length).toBe(names.length - 1)
    for (const body of bodies) await body()
  })
})
