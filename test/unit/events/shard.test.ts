import { describe, expect, test } from 'vitest'
import { shardOf, shardsOfPattern } from '../../../src/events/shard.ts'

describe('shards', () => {
  test('only the first three levels choose', () => {
    expect(shardOf('amcp.domain.a.b.c')).toBe(shardOf('amcp.domain.a'))
    expect(shardOf('amcp.domain.a.x')).toBe(shardOf('amcp.domain.a.y.z'))
  })

  test('are as the protocol fixes them', () => {
    expect(
      ['amcp.domain.weather', 'amcp.domain.telemetry', 'amcp.domain.alert', 'amcp'].map((topic) => shardOf(topic)),
    ).toEqual(
      ['amcp.domain.weather', 'amcp.domain.telemetry', 'amcp.domain.alert', 'amcp'].map((topic) => slowShard(topic)),
    )
  })

  test.each([
    ['amcp.domain.weather', 33, 161],
    ['amcp.domain.telemetry', 5, 5],
    ['amcp.domain.alert.load', 33, 417],
    ['amcp.domain', 57, 249],
    ['amcp.control.a.b', 43, 491],
    ['amcp.domain.a.b.c', 8, 648],
  ])('put %s at %i of 64 and %i of 1,024, whoever computes it', (topic, of64, of1024) => {
    expect(shardOf(topic)).toBe(of64)
    expect(shardOf(topic, 1_024)).toBe(of1024)
  })

  test('spread topics evenly', () => {
    const counts = new Array<number>(64).fill(0)
    for (let index = 0; index < 6_400; index += 1) counts[shardOf(`amcp.domain.topic-${index}`)]! += 1
    expect(Math.max(...counts)).toBeLessThan(160)
    expect(Math.min(...counts)).toBeGreaterThan(50)
  })

  test('a pattern names one shard, or all when a wildcard is among the levels that choose', () => {
    expect(shardsOfPattern('amcp.domain.a.>')).toEqual([shardOf('amcp.domain.a.b')])
    expect(shardsOfPattern('amcp.domain.a')).toEqual([shardOf('amcp.domain.a')])
    expect(shardsOfPattern('amcp.domain')).toEqual([shardOf('amcp.domain')])
    expect(shardsOfPattern('amcp.domain.>')).toBe('all')
    expect(shardsOfPattern('amcp.*.a.b')).toBe('all')
    expect(shardsOfPattern('amcp.domain.**')).toBe('all')
    expect(shardsOfPattern('amcp.domain.a.>', 8)).toEqual([shardOf('amcp.domain.a', 8)])
  })
})

/** The rule of PROTOCOL.md once more, written to be read: FNV-1a, then its halves folded. */
function slowShard(topic: string): number {
  let hash = 0x811c9dc5n
  for (const code of Buffer.from(topic.split('.').slice(0, 3).join('.'))) {
    hash = ((hash ^ BigInt(code)) * 0x01000193n) & 0xffffffffn
  }
  return Number((hash ^ (hash >> 16n)) % 64n)
}
