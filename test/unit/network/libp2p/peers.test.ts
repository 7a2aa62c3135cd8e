import type { Connection, PeerId } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { Libp2p } from 'libp2p'
import { describe, expect, test } from 'vitest'
import { Counters } from '../../../../src/core/counters.ts'
import { contextIdOf } from '../../../../src/core/ids.ts'
import { VirtualClock } from '../../../../src/core/virtual-clock.ts'
import { Peers } from '../../../../src/network/libp2p/peers.ts'

const idOf = (at: number): string => contextIdOf(new Uint8Array(32).fill(at))
const ID = idOf(1)

function connection(direction: 'inbound' | 'outbound' = 'inbound', status = 'open'): Connection {
  const remoteAddr = multiaddr('/ip4/1.2.3.4/tcp/5')
  return { remotePeer: ID as unknown as PeerId, direction, status, remoteAddr } as unknown as Connection
}

function attached() {
  const seen: string[] = []
  const clock = new VirtualClock()
  const counters = new Counters()
  const admitted = new Set<string>()
  const peers = new Peers({
    clock,
    counters,
    dialTimeout: 1_000,
    strangerLimit: 2,
    isAdmitted: (peer) => admitted.has(peer),
    onGone: () => seen.push('gone'),
  })
  peers.onPeer({
    connected: () => seen.push('connected'),
    disconnected: () => seen.push('disconnected'),
    discovered: (_peer, addresses) => seen.push(`discovered ${addresses.join()}`),
  })
  peers.onPeer({})
  const dials: { signal: AbortSignal }[] = []
  const forgotten: string[] = []
  const node = Object.assign(new EventTarget(), {
    peerStore: {
      delete: (peer: PeerId) => {
        forgotten.push(peer.toString())
        return forgotten.length > 1 ? Promise.reject(new Error('closed')) : Promise.resolve()
      },
    },
    dial: (_to: unknown, options: { signal: AbortSignal }) => {
      dials.push(options)
      return new Promise((_, reject) => {
        options.signal.addEventListener('abort', () => reject(options.signal.reason))
      })
    },
  })
  peers.attach(node as unknown as Libp2p)
  const tell = (type: string, detail: unknown) => node.dispatchEvent(new CustomEvent(type, { detail }))
  return { peers, seen, tell, clock, dials, counters, admitted, forgotten }
}

describe('Peers', () => {
  test('tells of a peer with its first connection and its last, services before listeners', () => {
    const { peers, seen, tell } = attached()
    const [one, two] = [connection(), connection('outbound')]
    tell('connection:open', one)
    tell('connection:open', two)
    tell('connection:close', one)
    expect(seen).toEqual(['connected'])
    expect(peers.connectionOf(ID)).toBe(two)
    tell('connection:close', two)
    tell('connection:close', two)
    expect(seen).toEqual(['connected', 'gone', 'disconnected'])
    expect(peers.connectionOf(ID)).toBeUndefined()
  })

  test('gives no connection that is closing', () => {
    const { peers, tell } = attached()
    tell('connection:open', connection('inbound', 'closing'))
    expect(peers.isLinked(ID)).toBe(true)
    expect(peers.connectionOf(ID)).toBeUndefined()
  })

  test('counts every peer as gone when the node has stopped', () => {
    const { peers, seen, tell } = attached()
    tell('connection:open', connection())
    peers.detach()
    expect(seen).toEqual(['connected', 'gone', 'disconnected'])
    expect(peers.linked).toEqual([])
  })

  test('learns addresses from its own dials and from what peers say of themselves, the latest first', () => {
    const { peers, tell } = attached()
    tell('connection:open', connection('inbound'))
    expect(peers.addressesOf(ID)).toEqual([])
    peers.remember(ID, ['/ip4/9.9.9.9/tcp/9'])
    tell('peer:identify', { peerId: ID, listenAddrs: [multiaddr('/ip4/7.7.7.7/tcp/7')] })
    expect(peers.addressesOf(ID)).toEqual([`/ip4/7.7.7.7/tcp/7/p2p/${ID}`, `/ip4/9.9.9.9/tcp/9/p2p/${ID}`])
    tell('connection:close', connection('inbound'))
    const other = attached()
    other.tell('connection:open', connection('outbound'))
    expect(other.peers.addressesOf(ID)).toEqual([`/ip4/1.2.3.4/tcp/5/p2p/${ID}`])
  })

  test('remembers sixteen addresses of a peer, and 4,096 peers', () => {
    const { peers } = attached()
    for (let port = 1; port <= 20; port++) peers.remember(ID, [`/ip4/1.1.1.1/tcp/${port}`])
    expect(peers.addressesOf(ID)).toHaveLength(16)
    expect(peers.addressesOf(ID)[0]).toContain('/tcp/20/')
    for (let at = 0; at < 4_096; at++) peers.remember(`peer ${at}`, [])
    expect(peers.addressesOf(ID)).toEqual([])
  })

  test('keeps what a peer says of itself no longer than its link, so that strangers push nobody out', () => {
    const { peers, tell } = attached()
    peers.remember(idOf(2), ['/ip4/9.9.9.9/tcp/9'])
    const told = { peerId: ID, listenAddrs: [multiaddr('/ip4/7.7.7.7/tcp/7')] }
    tell('peer:identify', told)
    expect(peers.addressesOf(ID)).toEqual([])
    const link = connection()
    tell('connection:open', link)
    tell('peer:identify', told)
    expect(peers.addressesOf(ID)).toHaveLength(1)
    tell('connection:close', link)
    expect(peers.addressesOf(ID)).toEqual([])
    expect(peers.addressesOf(idOf(2))).toHaveLength(1)
  })

  test.each([
    ['text', 'nowhere'],
    ['of somebody else', `/ip4/1.1.1.1/tcp/1/p2p/${idOf(2)}`],
    ['far too long', `/dns4/${'a'.repeat(600)}/tcp/1`],
  ])('passes over an address that is %s, and counts it', (_what, address) => {
    const { peers, counters } = attached()
    peers.remember(ID, [address, `/ip4/1.1.1.1/tcp/1/p2p/${ID}`])
    expect(peers.addressesOf(ID)).toEqual([`/ip4/1.1.1.1/tcp/1/p2p/${ID}`])
    expect(counters.get('network.address.refused')).toBe(1)
  })

  test('has libp2p forget strangers with their link, but not members nor whom it is to find again', async () => {
    const { peers, tell, admitted, forgotten, counters } = attached()
    const link = connection()
    const visit = (): void => {
      tell('connection:open', link)
      tell('connection:close', link)
    }
    visit()
    expect(forgotten).toEqual([ID])
    visit()
    await Promise.resolve()
    expect(counters.get('network.forget-failed')).toBe(1)
    admitted.add(ID)
    visit()
    admitted.clear()
    peers.remember(ID, ['/ip4/1.1.1.1/tcp/1'])
    visit()
    expect(forgotten).toHaveLength(2)
  })

  test('drops the oldest stranger when there are too many, and no member', () => {
    const { tell, admitted, counters } = attached()
    const dropped: number[] = []
    const come = (at: number): void => {
      const remotePeer = idOf(at) as unknown as PeerId
      const link = { remotePeer, direction: 'inbound', status: 'open', abort: () => dropped.push(at) }
      tell('connection:open', link)
    }
    admitted.add(idOf(1))
    for (const at of [1, 2, 3]) come(at)
    expect(dropped).toEqual([])
    come(4)
    expect(dropped).toEqual([2])
    expect(counters.get('network.strangers.dropped')).toBe(1)
  })

  test('counts strangers by their connections, as libp2p counts places, and passes over who is closing', () => {
    const { tell, counters } = attached()
    const dropped: string[] = []
    const come = (at: number, name: string, status = 'open'): void => {
      const remotePeer = idOf(at) as unknown as PeerId
      tell('connection:open', { remotePeer, direction: 'inbound', status, abort: () => dropped.push(name) })
    }
    come(2, 'closing', 'closing')
    come(3, 'one')
    come(3, 'two')
    expect(dropped).toEqual([])
    come(4, 'three')
    expect(dropped).toEqual(['one', 'two'])
    expect(counters.get('network.strangers.dropped')).toBe(1)
    expect(counters.get('network.connections.surplus')).toBe(0)
  })

  test('tells of a peer that is found, unless it is linked', () => {
    const { peers, seen, tell } = attached()
    const address = multiaddr('/ip4/1.1.1.1/tcp/1')
    peers.discovered(ID as unknown as PeerId, [address])
    tell('connection:open', connection())
    peers.discovered(ID as unknown as PeerId, [address])
    expect(seen).toEqual([`discovered /ip4/1.1.1.1/tcp/1/p2p/${ID}`, 'connected'])
  })

  test('gives a dial up when its time is over, and when the caller does', async () => {
    const { peers, clock } = attached()
    const late = peers.dial('/ip4/1.1.1.1/tcp/1', undefined)
    const outcome = expect(late).rejects.toMatchObject({ code: 'ERR_DIAL_FAILED', retryable: true })
    await clock.advance(1_000)
    await outcome
    const reason = new Error('enough')
    const controller = new AbortController()
    const aborted = peers.dial('/ip4/1.1.1.1/tcp/1', controller.signal)
    controller.abort(reason)
    await expect(aborted).rejects.toBe(reason)
    expect(clock.pending).toBe(0)
  })
})
