import { describe, expect, test } from 'vitest'
import { Counters } from '../../../../src/core/counters.ts'
import { systemPorts } from '../../../../src/core/default-ports.ts'
import { VirtualClock } from '../../../../src/core/virtual-clock.ts'
import { GossipWatchdog } from '../../../../src/network/libp2p/gossip-watchdog.ts'

function watched() {
  const clock = new VirtualClock()
  const counters = new Counters()
  const peers = new Set<string>(['a', 'b'])
  const streams = new Set<string>(['a', 'b'])
  const acts: string[] = []
  const watchdog = new GossipWatchdog({
    ports: { ...systemPorts(), clock, counters },
    timeout: 2_000,
    peers: () => peers,
    hasStream: (peer) => streams.has(peer),
    reopen: (peer) => acts.push(`reopen ${peer}`),
    redial: (peer) => {
      acts.push(`redial ${peer}`)
      if (peer === 'stop') watchdog.stop()
    },
  })
  watchdog.start()
  return { clock, counters, peers, streams, acts, watchdog }
}

describe('GossipWatchdog', () => {
  test('leaves peers alone that have a stream, or are without one for less than two seconds', async () => {
    const { clock, streams, acts } = watched()
    await clock.advance(10_000)
    streams.delete('a')
    await clock.advance(2_000)
    streams.add('a')
    await clock.advance(1_000)
    streams.delete('a')
    await clock.advance(2_000)
    expect(acts).toEqual([])
  })

  test('asks for a new stream after two seconds, and when that does not help closes the link and dials again', async () => {
    const { clock, counters, streams, acts } = watched()
    streams.delete('b')
    await clock.advance(2_500)
    expect(acts).toEqual(['reopen b'])
    await clock.advance(2_000)
    expect(acts).toEqual(['reopen b', 'redial b'])
    expect(counters.get('network.gossip.reopened')).toBe(1)
    expect(counters.get('network.gossip.redialled')).toBe(1)
    streams.add('b')
    await clock.advance(10_000)
    expect(acts).toHaveLength(2)
  })

  test('begins anew with a peer that was gone in between', async () => {
    const { clock, peers, streams, acts } = watched()
    streams.delete('b')
    await clock.advance(1_500)
    peers.delete('b')
    await clock.advance(500)
    peers.add('b')
    await clock.advance(2_000)
    expect(acts).toEqual([])
    await clock.advance(500)
    expect(acts).toEqual(['reopen b'])
  })

  test('does nothing after its stop, even when it was stopped by its own act', async () => {
    const { clock, peers, acts, watchdog } = watched()
    peers.add('stop')
    await clock.advance(20_000)
    expect(acts).toEqual(['reopen stop', 'redial stop'])
    watchdog.stop()
  })
})
