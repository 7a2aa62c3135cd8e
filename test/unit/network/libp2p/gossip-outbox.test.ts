import type { GossipSub } from '@libp2p/gossipsub'
import { expect, test } from 'vitest'
import { Counters } from '../../../../src/core/counters.ts'
import { boundOutbox } from '../../../../src/network/libp2p/gossip-outbox.ts'

test('drops frames for the neighbour that has too much waiting, and sends it what is no frame, and others everything', () => {
  const counters = new Counters()
  const sent: string[] = []
  const streamOf = (writeBufferLength: number) => ({ rawStream: { writeBufferLength } })
  const pubsub = {
    streamsOutbound: new Map([
      ['full', streamOf(1_000)],
      ['reading', streamOf(999)],
    ]),
    sendRpc: (peer: string, rpc: { messages: readonly string[] }) => sent.push(`${peer} ${rpc.messages.join()}`) > 0,
  }
  boundOutbox(pubsub as unknown as GossipSub, counters, 1_000)
  expect(pubsub.sendRpc('full', { messages: ['a', 'b'] })).toBe(false)
  expect(pubsub.sendRpc('full', { messages: [] })).toBe(true)
  expect(pubsub.sendRpc('reading', { messages: ['a'] })).toBe(true)
  expect(pubsub.sendRpc('unknown', { messages: ['a'] })).toBe(true)
  expect(sent).toEqual(['full ', 'reading a', 'unknown a'])
  expect(counters.get('network.gossip.overflowed')).toBe(2)
})
