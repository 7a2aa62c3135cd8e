import { createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readFrame } from '../../../../src/events/frame/frame-reader.ts'
import { readLinkMessage } from '../../../../src/events/frame/link-envelope.ts'
import { type FrameVectors, frameVectors } from '../../../vectors/frames.ts'

const stored = JSON.parse(
  readFileSync(new URL('../../../vectors/frames.json', import.meta.url), 'utf8'),
) as FrameVectors

describe('vectors of the wire format', () => {
  test('the codec still writes the published bytes', () => {
    expect(JSON.parse(JSON.stringify(frameVectors()))).toEqual(stored)
  })

  test('signatures hold for a verifier that knows nothing of this library', () => {
    const x = Buffer.from(stored.publicKey, 'hex').toString('base64url')
    const key = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } })
    const signed = stored.frames.filter((frame) => frame.signature !== null)
    expect(signed).toHaveLength(6)
    for (const { headerDigest, signature } of signed)
      expect(verify(null, Buffer.from(headerDigest, 'hex'), key, Buffer.from(signature!, 'hex'))).toBe(true)
  })

  test('a chain of three frames can be followed by their headers', () => {
    const chain = stored.frames.slice(0, 3)
    for (const [n, { hex }] of chain.entries()) {
      const place = readFrame(Buffer.from(hex, 'hex')).header.place
      const predecessor = n === 0 ? '00'.repeat(32) : chain[n - 1]!.headerDigest
      expect([place?.kind, place?.n, Buffer.from(place!.predecessor).toString('hex')]).toEqual([
        'gossip',
        n,
        predecessor,
      ])
    }
  })

  test('the link envelope holds one record of each kind, and the frame behind it is intact', () => {
    const message = readLinkMessage(Buffer.from(stored.linkEnvelope.withFrame, 'hex'))
    const kinds = ['previous', 'nothing-until', 'lane', 'interest', 'credit', 'dropped']
    expect(message.records.map((record) => record.kind)).toEqual(kinds)
    expect(readFrame(message.frame!).events()).toHaveLength(4)
    expect(readLinkMessage(Buffer.from(stored.linkEnvelope.hex, 'hex')).frame).toBeUndefined()
  })
})
