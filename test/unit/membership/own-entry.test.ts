import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'
import { OwnEntry } from '../../../src/membership/own-entry.ts'
import { decodeBody } from '../../../src/membership/state-body.ts'
import { decodeHead, FLAG_LEFT, isSignedByOwner } from '../../../src/membership/state-entry.ts'
import { agentOf, crypto, idOf, wordCredentials } from './fake-mesh.ts'

const HEX = (digit: string): string => digit.repeat(32)

function ownEntry(incarnation = HEX('5')) {
  const clock = new VirtualClock({ start: 1_000 })
  return { clock, own: new OwnEntry({ clock, crypto }, wordCredentials(1), idOf(1), incarnation) }
}

describe('the own entry', () => {
  test('begins above the stored version, and at the wall clock otherwise', () => {
    const { own } = ownEntry()
    own.begin(0)
    expect(own.version).toBe(1_000)
    own.begin(9_000)
    expect(own.version).toBe(9_001)
    expect(own.since).toBe(9_001)
  })

  test('each version is higher than all before, though the clock stands or goes back', () => {
    const { own } = ownEntry()
    own.begin(0)
    const first = own.issue({}).head.version
    const second = own.issue({}).head.version
    expect(second).toBe(first + 1)
    own.exceed(50_000)
    expect(own.issue({}).head.version).toBe(50_001)
    own.exceed(1)
    expect(own.issue({}).head.version).toBe(50_002)
  })

  test('is signed by its owner over exactly its bytes', () => {
    const { own } = ownEntry()
    own.begin(0)
    const { head, headBytes, signature } = own.issue({ left: true })
    expect(decodeHead(headBytes)).toEqual(head)
    expect(head.flags).toBe(FLAG_LEFT)
    expect(isSignedByOwner(crypto, head, headBytes, signature)).toBe(true)
    for (let at = 0; at < headBytes.length; at += 7) {
      const forged = headBytes.slice()
      forged[at]! ^= 1
      expect(isSignedByOwner(crypto, head, forged, signature)).toBe(false)
    }
    expect(isSignedByOwner(crypto, { ...head, context: 'nobody' }, headBytes, signature)).toBe(false)
  })

  test('its digest changes with what it says', () => {
    const { own } = ownEntry()
    own.change({ patterns: ['a.>'] })
    const digest = own.bodyDigest
    own.change({ patterns: ['a.>'] })
    expect(own.bodyDigest).toBe(digest)
    own.change({ offers: [{ agent: agentOf(1), capability: 'c', version: '1' }] })
    expect(own.bodyDigest).not.toBe(digest)
  })

  test('refuses more offers than an entry holds, and keeps what it had', () => {
    const { own } = ownEntry()
    const offers = Array.from({ length: 20_001 }, (_, n) => ({ agent: agentOf(1, n), capability: 'c', version: '1' }))
    const digest = own.bodyDigest
    expect(() => own.change({ offers, patterns: ['a.>'] })).toThrow(
      expect.objectContaining({ code: 'ERR_ENTRY_TOO_LARGE' }),
    )
    expect(own.bodyDigest).toBe(digest)
    expect(own.issue({}).body).toEqual({ addresses: [], patterns: [], offers: [] })
  })

  test('keeps its offers when something else changes', () => {
    const { own } = ownEntry()
    const offers = [{ agent: agentOf(1), capability: 'c', version: '1' }]
    own.change({ offers })
    own.change({ addresses: ['/x'] })
    const { body, bodyBytes } = own.issue({})
    expect(body).toEqual({ addresses: ['/x'], patterns: [], offers })
    expect(decodeBody(bodyBytes)).toEqual(body)
  })
})
