import type { MultiaddrConnection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import { Counters } from '../../../../src/core/counters.ts'
import { PendingLinks } from '../../../../src/network/libp2p/pending-links.ts'

function pending(limit: number) {
  const counters = new Counters()
  const links = new PendingLinks(counters, limit)
  const dropped: string[] = []
  const come = (name: string, host: string): MultiaddrConnection => {
    const abort = (): void => {
      dropped.push(name)
      link.dispatchEvent(new Event('close'))
    }
    const link = Object.assign(new EventTarget(), { remoteAddr: multiaddr(`/ip4/${host}/tcp/1`), abort })
    links.come(link as unknown as MultiaddrConnection)
    return link as unknown as MultiaddrConnection
  }
  return { links, counters, dropped, come }
}

test('drops the oldest of the host that has most when too many handshakes are under way', () => {
  const { come, dropped, counters } = pending(4)
  come('honest', '9.9.9.9')
  for (const name of ['a', 'b', 'c']) come(name, '1.1.1.1')
  expect(dropped).toEqual([])
  come('newcomer', '8.8.8.8')
  come('d', '1.1.1.1')
  expect(dropped).toEqual(['a', 'b'])
  expect(counters.get('network.pending.dropped')).toBe(2)
})

test('forgets who has finished, in either way, and once', () => {
  const { links, come, dropped } = pending(2)
  const one = come('one', '1.1.1.1')
  const two = come('two', '1.1.1.1')
  links.done(one)
  links.done(one)
  two.dispatchEvent(new Event('close'))
  come('three', '1.1.1.1')
  come('four', '1.1.1.1')
  expect(dropped).toEqual([])
  come('five', '1.1.1.1')
  expect(dropped).toEqual(['three'])
})
