import { writeFileSync } from 'node:fs'
import { nodeCrypto } from '../../src/core/node-crypto.ts'
import { readFrame } from '../../src/events/frame/frame-reader.ts'
import { EnvelopeWriter } from '../../src/events/frame/link-envelope.ts'
import { countingBytes, sampleFrames } from '../../src/testing/sample-frames.ts'

/** Writes `frames.json`: `node test/vectors/frames.ts`. A change of its bytes is a change of the protocol. */
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

export interface FrameVectors {
  readonly seed: string
  readonly publicKey: string
  readonly frames: readonly FrameVector[]
  readonly credentialHashes: readonly { readonly credential: string; readonly hash: string }[]
  readonly linkEnvelope: { readonly hex: string; readonly withFrame: string }
}

export interface FrameVector {
  readonly name: string
  readonly hex: string
  readonly header: string
  readonly headerDigest: string
  readonly signature: string | null
  readonly bodyDigest: string | null
  readonly events: unknown
}

export function frameVectors(): FrameVectors {
  const crypto = nodeCrypto()
  const seed = countingBytes(32, 0)
  const key = crypto.signingKey(seed)
  const samples = Object.entries(sampleFrames({ crypto, key }))
  const frames = samples.map(([name, bytes]) => {
    const frame = readFrame(bytes)
    const { bodyDigest } = frame.header
    return {
      name,
      hex: hex(bytes),
      header: hex(frame.header.bytes),
      headerDigest: hex(frame.headerDigest(crypto)),
      signature: frame.signature ? hex(frame.signature) : null,
      bodyDigest: bodyDigest ? hex(bodyDigest) : null,
      events: frame.events().map((event) => ({
        ...event.toJSON(),
        ...(event.isRaw && { data: { hex: hex(event.dataBytes) } }),
        shard: event.shard,
        sequenceNumber: event.sequenceNumber,
        tokenHash: event.tokenHash ? hex(event.tokenHash) : null,
      })),
    }
  })
  const credentials = readFrame(samples[0]![1]).credentials()
  const envelope = new EnvelopeWriter()
  const records = (): EnvelopeWriter =>
    envelope
      .previous(5, -1)
      .nothingUntil(6, 300)
      .lane(1, 5, 'direct', 299)
      .interest(2, 63, true)
      .credit(1_000_000, 5_194_304)
      .dropped(7, 1000, 1999)
  return {
    seed: hex(seed),
    publicKey: hex(key.publicKey),
    frames,
    credentialHashes: credentials.map((credential) => ({
      credential: hex(credential),
      hash: hex(crypto.sha256(credential).subarray(0, 16)),
    })),
    linkEnvelope: {
      hex: hex(records().finish(false)),
      withFrame: hex(records().finish(true)) + hex(samples.find(([name]) => name === 'unsigned')![1]),
    },
  }
}

if (import.meta.main)
  writeFileSync(new URL('frames.json', import.meta.url), `${JSON.stringify(frameVectors(), null, 2)}\n`)
