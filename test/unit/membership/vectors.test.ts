import { createHash, createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { contains } from '../../../src/events/pattern.ts'
import { summarise, summaryLength } from '../../../src/events/pattern-summary.ts'
import { decodeHello } from '../../../src/membership/hello-message.ts'
import { decodeBody } from '../../../src/membership/state-body.ts'
import { decodeHead } from '../../../src/membership/state-entry.ts'
import { decodeMessage } from '../../../src/membership/state-messages.ts'
import { type MembershipVectors, type MessageVector, membershipVectors } from '../../vectors/membership.ts'

const path = new URL('../../vectors/membership.json', import.meta.url)
const vectors = JSON.parse(readFileSync(path, 'utf8')) as MembershipVectors
const { context, entry, map } = vectors
const bytesOf = ({ text, hex }: MessageVector): Buffer =>
  hex === undefined ? Buffer.from(text ?? '') : Buffer.from(hex, 'hex')
const sha256 = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const isOwners = (signed: string, signature: string): boolean => {
  const x = Buffer.from(vectors.publicKey, 'hex').toString('base64url')
  const key = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } })
  return verify(null, Buffer.from(signed), key, Buffer.from(signature, 'hex'))
}

describe('the membership vectors', () => {
  test('are what this code writes, byte for byte', () => {
    expect(JSON.parse(JSON.stringify(membershipVectors()))).toEqual(vectors)
  })

  test.each(vectors.summaries)('hold a summary: $what', ({ patterns, limit, summary, length }) => {
    expect(summarise(patterns, limit)).toEqual(summary)
    expect(summaryLength(summary)).toBe(length)
    expect(length).toBe(3 + summary.reduce((sum, pattern) => sum + pattern.length + 2, 0))
    expect(length).toBeLessThanOrEqual(limit)
    const wanted = patterns.filter((pattern) => !pattern.startsWith('amcp.agent.'))
    for (const pattern of wanted) expect(summary.some((wide) => contains(wide, pattern))).toBe(true)
  })

  test('hold an entry whose head names its body and membership, signed by its owner', () => {
    expect(sha256(entry.body).slice(0, 32)).toBe(entry.bodyDigest)
    expect(sha256(entry.membership).slice(0, 32)).toBe(entry.membershipDigest)
    const head = decodeHead(Buffer.from(entry.head))
    expect(head).toMatchObject({ context, body: entry.bodyDigest, membership: entry.membershipDigest, flags: 1 })
    expect(isOwners(entry.head, entry.signature)).toBe(true)
    const body = decodeBody(Buffer.from(entry.body))
    expect(body.offers.map(({ capability }) => capability)).toEqual(['anomaly.detect', 'anomaly.detect', 'chart.draw'])
  })

  test('hold a map with the digest of its members and of its versions', () => {
    const sorted = map.versions.toSorted(([a], [b]) => (a < b ? -1 : 1))
    expect(sha256(sorted.map(([member]) => member).join('\n')).slice(0, 32)).toBe(map.members)
    expect(sha256(JSON.stringify(sorted)).slice(0, 32)).toBe(map.digest)
  })

  test('hold one of each message, with its hash', () => {
    for (const vector of [...vectors.hello, ...vectors.state]) expect(sha256(bytesOf(vector))).toBe(vector.sha256)
    expect(vectors.hello.map((vector) => decodeHello(bytesOf(vector)).t)).toEqual(['hello', 'welcome', 'refused'])
    const kinds = ['summary', 'digest', 'digest', 'want', 'acks', 'challenge', 'alive', 'entries', 'entries']
    expect(vectors.state.map((vector) => decodeMessage(bytesOf(vector)).t)).toEqual(kinds)
  })

  test('hold a sign of life by the same key, for the nonce of the hello', () => {
    const [hello, , refused] = vectors.hello.map(({ text }) => JSON.parse(text ?? ''))
    const { incarnation, signature } = refused.alive
    expect(isOwners(JSON.stringify(['amcp-alive/1', context, incarnation, hello.nonce]), signature)).toBe(true)
  })

  test('hold an entry in full, and a renewal without body and membership', () => {
    const [full, renewal] = vectors.state.slice(-2).map((vector) => decodeMessage(bytesOf(vector)))
    if (full?.t !== 'entries' || renewal?.t !== 'entries') throw new Error('no entries')
    const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString()
    const [record] = full.records
    expect([text(record?.head), text(record?.body), text(record?.membership), record?.age]).toEqual([
      entry.head,
      entry.body,
      entry.membership,
      1_500,
    ])
    expect(renewal.records).toEqual([{ ...record, body: undefined, membership: undefined }])
  })
})
