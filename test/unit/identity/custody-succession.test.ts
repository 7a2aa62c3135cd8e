import { describe, expect, test } from 'vitest'
import { contextIdOf } from '../../../src/core/ids.ts'
import { nodeCrypto } from '../../../src/core/node-crypto.ts'
import { issueBirthCertificate } from '../../../src/identity/birth-certificate.ts'
import { type CustodyRecord, signCustodyRecord, verifyCustodyRecord } from '../../../src/identity/custody-record.ts'

const crypto = nodeCrypto()
const keys = [1, 2, 3].map((fill) => crypto.signingKey(new Uint8Array(32).fill(fill)))
const voters = keys.map((key) => contextIdOf(key.publicKey))
const succession = { mode: 'safe', voters, need: 2, lease: 3_000, tolerance: 500 } as const
const record: CustodyRecord = {
  agent: '0f0e0d0c-0b0a-8908-8706-050403020100',
  epoch: 1,
  previous: 'cd'.repeat(32),
  kind: 'move',
  holder: contextIdOf(keys[1]!.publicKey),
  handover: 'handover-1',
  cut: undefined,
  succession,
}
const roundTrip = (changed: object): CustodyRecord =>
  verifyCustodyRecord(crypto, signCustodyRecord(keys.slice(0, 1), { ...record, ...changed })).record

describe('the succession in a custody record', () => {
  test.each(['safe', 'manual', 'available'])('is carried in the mode %s', (mode) => {
    expect(roundTrip({ succession: { ...succession, mode } }).succession).toEqual({ ...succession, mode })
  })

  test('may be absent, and then leaves the record as it was', () => {
    expect('succession' in roundTrip({ succession: undefined })).toBe(false)
  })

  test('is covered by the digest', () => {
    const digest = (need: number): string =>
      verifyCustodyRecord(crypto, signCustodyRecord(keys, { ...record, succession: { ...succession, need } })).digest
    expect(digest(2)).not.toBe(digest(3))
  })

  test.each([
    ['an unknown mode', { mode: 'sure' }],
    ['no voter for a need', { voters: [] }],
    ['a voter twice', { voters: [voters[0], voters[0]] }],
    ['a need of nobody', { need: 0 }],
    ['a need of more than all', { need: 4 }],
    ['a lease in fractions', { lease: 0.5 }],
    ['a tolerance that is negative', { tolerance: -1 }],
    ['a voter that is no text', { voters: [1] }],
  ])('with %s is refused', (_, change) => {
    expect(() => roundTrip({ succession: { ...succession, ...change } })).toThrow(
      expect.objectContaining({ code: 'ERR_CREDENTIAL_INVALID' }),
    )
  })

  test('that is no object is refused', () => {
    const { payload } = JSON.parse(new TextDecoder().decode(signCustodyRecord(keys, record)))
    const claims = { ...JSON.parse(Buffer.from(payload, 'base64url').toString()), suc: [] }
    const text = Buffer.from(JSON.stringify(claims)).toString('base64url')
    const [header] = [Buffer.from('{"alg":"EdDSA","typ":"amcp-custody+jws"}').toString('base64url')]
    const signature = Buffer.from(keys[0]!.sign(Buffer.from(`${header}.${text}`))).toString('base64url')
    const signatures = [{ header: { kid: voters[0] }, protected: header, signature }]
    const bytes = new TextEncoder().encode(JSON.stringify({ payload: text, signatures }))
    expect(() => verifyCustodyRecord(crypto, bytes)).toThrow('has no proper suc')
  })
})

test('a custody record beyond the longest statement is refused before it is parsed', () => {
  const cut = Object.fromEntries(Array.from({ length: 2_000 }, (_, stream) => [`stream-${stream}`, stream]))
  expect(() => roundTrip({ cut })).toThrow(/a custody record has \d+ bytes/)
})

describe('the record before, in a custody record', () => {
  test('is that of the birth certificate at first: SHA-256 of its bytes', () => {
    const birth = issueBirthCertificate(keys[0]!, { agent: record.agent, type: 'sensor', name: undefined, roles: [] })
    const previous = Buffer.from(crypto.sha256(new TextEncoder().encode(birth))).toString('hex')
    expect(roundTrip({ previous }).previous).toBe(previous)
  })

  test.each(['', 'cd'.repeat(31), 'CD'.repeat(32), `${'cd'.repeat(31)}g0`])(
    'must be a digest: %j is none',
    (previous) => {
      expect(() => roundTrip({ previous })).toThrow(expect.objectContaining({ code: 'ERR_CREDENTIAL_INVALID' }))
    },
  )
})
