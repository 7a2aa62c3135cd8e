import { expect, test } from 'vitest'
import { openToMember } from '../../../../src/broker/mesh/open-to-member.ts'
import { VirtualClock } from '../../../../src/core/virtual-clock.ts'
import type { Network, PeerListener } from '../../../../src/network/network.ts'

function given({ isConnected = false, isAdmitted = false } = {}) {
  const clock = new VirtualClock()
  const listeners = new Set<PeerListener>()
  const dialled: string[] = []
  const network = {
    isConnected: () => isConnected,
    isAdmitted: () => isAdmitted,
    connect: (peer: string) => Promise.resolve(void dialled.push(peer)),
    onPeer: (listener: PeerListener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    streams: { open: (peer: string, protocol: string) => Promise.resolve(`${protocol} to ${peer}`) },
  } as unknown as Network
  const tell = (what: 'admitted' | 'disconnected', peer: string): void => {
    for (const listener of listeners) listener[what]?.(peer)
  }
  const opening = openToMember(clock, network, 'p', '/x')
  return { clock, opening, dialled, listeners, tell }
}

test('a stream to a linked and admitted member is opened at once', async () => {
  const { opening, dialled } = given({ isConnected: true, isAdmitted: true })
  expect(await opening).toBe('/x to p')
  expect(dialled).toEqual([])
})

test('a member that is not linked is dialled, and the stream opened as soon as its hello is over', async () => {
  const { clock, opening, dialled, tell, listeners } = given()
  await clock.advance(100)
  tell('admitted', 'other')
  tell('disconnected', 'other')
  tell('admitted', 'p')
  expect(await opening).toBe('/x to p')
  expect(dialled).toEqual(['p'])
  expect(listeners.size).toBe(0)
})

test('a member that leaves during the hello, or never ends it, is not waited for', async () => {
  const gone = given()
  await gone.clock.advance(0)
  gone.tell('disconnected', 'p')
  await expect(gone.opening).rejects.toMatchObject({ code: 'ERR_NOT_CONNECTED', retryable: true })
  const silent = given({ isConnected: true })
  const refused = expect(silent.opening).rejects.toMatchObject({ code: 'ERR_NOT_CONNECTED' })
  await silent.clock.advance(5_000)
  await refused
  expect(silent.listeners.size).toBe(0)
})
