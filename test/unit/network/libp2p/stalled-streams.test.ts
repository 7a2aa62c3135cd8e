import { expect, test } from 'vitest'
import { Counters } from '../../../../src/core/counters.ts'
import { systemPorts } from '../../../../src/core/default-ports.ts'
import { VirtualClock } from '../../../../src/core/virtual-clock.ts'
import { StalledStreams } from '../../../../src/network/libp2p/stalled-streams.ts'

const MEBIBYTE = 1_048_576

function watched() {
  const clock = new VirtualClock()
  const counters = new Counters()
  const streams = new Map<string, { stream: object; waiting: number; sent: number }>()
  const cut: string[] = []
  const passedOver: object[] = []
  const watch = new StalledStreams({
    ports: { ...systemPorts(), clock, counters },
    streams: () => streams,
    passOver: (slow) => passedOver.push(...slow),
    stalled: (peer) => {
      cut.push(`${peer} at ${clock.monotonic()}`)
      streams.delete(peer)
      if (peer === 'last') watch.stop()
    },
  })
  watch.start()
  /** Lets a stream move so many bytes in each half second, with a full buffer. */
  const move = async (peer: string, bytes: number, times: number): Promise<void> => {
    for (let at = 0; at < times; at += 1) {
      const one = streams.get(peer)
      if (one !== undefined) one.sent += bytes
      await clock.advance(500)
    }
  }
  return { clock, counters, streams, cut, passedOver, watch, move }
}

test('finds who reads nothing after two seconds of a full buffer, and leaves the others alone', async () => {
  const { clock, counters, streams, cut } = watched()
  streams.set('silent', { stream: {}, waiting: MEBIBYTE, sent: 0 })
  streams.set('idle', { stream: {}, waiting: 1_000, sent: 0 })
  await clock.advance(10_000)
  expect(cut).toEqual(['silent at 2500'])
  expect(counters.get('network.gossip.stalled')).toBe(1)
})

test('takes who trickles for one that reads nothing, and who is merely busy for what it is', async () => {
  const { streams, cut, move } = watched()
  streams.set('busy', { stream: {}, waiting: MEBIBYTE / 2, sent: 0 })
  await move('busy', 32 * 1024, 40)
  expect(cut).toEqual([])
  await move('busy', 31 * 1024, 5)
  expect(cut).toHaveLength(1)
})

test('asks more of who lets more wait: what would take longer than eight seconds is not read', async () => {
  const { streams, cut, move } = watched()
  streams.set('behind', { stream: {}, waiting: 4 * MEBIBYTE, sent: 0 })
  await move('behind', MEBIBYTE / 4, 40)
  expect(cut).toEqual([])
  await move('behind', MEBIBYTE / 4 - 1, 5)
  expect(cut).toHaveLength(1)
})

test('finds who lets wait just as much as makes publishers wait, and reads next to nothing', async () => {
  const { clock, streams, cut } = watched()
  streams.set('hovering', { stream: {}, waiting: 130 * 1024, sent: 0 })
  streams.set('around', { stream: {}, waiting: 120 * 1024, sent: 0 })
  streams.set('light', { stream: {}, waiting: 60 * 1024, sent: 0 })
  await clock.advance(10_000)
  expect(cut).toEqual(['hovering at 2500', 'around at 2500'])
})

test('begins anew with another stream of the same peer, and when there was room meanwhile', async () => {
  const { clock, streams, cut } = watched()
  const one = { stream: {}, waiting: MEBIBYTE, sent: 0 }
  streams.set('a', one)
  await clock.advance(2_000)
  streams.set('a', { ...one, stream: {} })
  await clock.advance(2_000)
  one.waiting = 0
  streams.set('a', one)
  await clock.advance(500)
  one.waiting = MEBIBYTE
  await clock.advance(2_000)
  expect(cut).toEqual([])
})

test('may be stopped by what it does, and stops', async () => {
  const { clock, streams, cut } = watched()
  streams.set('last', { stream: {}, waiting: MEBIBYTE, sent: 0 })
  await clock.advance(3_000)
  expect(cut).toHaveLength(1)
  expect(clock.pending).toBe(0)
})

test('tells at each look whom publishers are not to wait for', async () => {
  const { streams, cut, passedOver, move } = watched()
  const slow = { stream: {}, waiting: 130 * 1024, sent: 0 }
  streams.set('slow', slow)
  streams.set('reading', { stream: {}, waiting: 0, sent: 0 })
  for (let at = 0; at < 6; at += 1) {
    streams.get('slow')!.sent += 64 * 1024
    await move('reading', 64 * 1024, 1)
  }
  expect(cut).toEqual([])
  expect(new Set(passedOver)).toEqual(new Set([slow.stream]))
})
