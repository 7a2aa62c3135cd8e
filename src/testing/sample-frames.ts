import type { Crypto, SigningKey } from '../core/crypto.ts'
import type { AmcpEvent } from '../events/event.ts'
import type { ChainPlace } from '../events/frame/frame-header.ts'
import { type FinishFields, FrameWriter } from '../events/frame/frame-writer.ts'

/** Bytes that count up from `first`: easy to find again in a dump. */
export function countingBytes(length: number, first: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (first + at) & 255)
}

/** The n-th sample event; between them they use every attribute, in its usual and in its unusual form. */
export function sampleEvent(n: number): AmcpEvent {
  const digit = (n % 16).toString(16)
  const plain: AmcpEvent = {
    specversion: '1.0',
    id: `0190a3b2-5c6d-7e8f-8a9b-0c1d2e3f4a5${digit}`,
    source: 'amcp://12D3KooWBmwkafWE2fqfzS96VoTZgpGp6aJsF4N5hHdZgAvKcbC4/6f8f5a24-08b1-8f0e-9c1d-2f6b9f1a7c55',
    type: 'amcp.domain.telemetry.reading',
    subject: `amcp.domain.telemetry.plant-${n % 3}`,
    time: `2026-11-20T08:15:30.${String(n % 1000).padStart(3, '0')}Z`,
    datacontenttype: 'application/json',
    data: { n, load: 0.25, text: 'Zürich ☃' },
  }
  if (n % 4 === 1)
    return {
      ...plain,
      correlationid: '11111111-2222-4333-8444-555555555555',
      causationid: '66666666-7777-4888-9999-aaaaaaaaaaaa',
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      replyto: 'amcp.agent.6f8f5a24-08b1-8f0e-9c1d-2f6b9f1a7c55',
      partitionkey: 'line-4',
      expirytime: '2026-11-20T08:16:00.000Z',
      priority: 9,
      extensions: { region: 'eu', shift: 'night' },
    }
  if (n % 4 === 2)
    return {
      ...plain,
      id: 'ORDER-7',
      time: '2026-11-20T08:15:30+01:00',
      correlationid: 'order 7',
      causationid: 'ORDER-6',
      traceparent: '00-4BF9',
      expirytime: '2026-11-20',
      sequence: '7',
    }
  return n % 4 === 3 ? { ...plain, datacontenttype: 'application/octet-stream', data: countingBytes(20, n) } : plain
}

export interface SampleOptions {
  readonly crypto: Crypto
  readonly key: SigningKey
}

/** The header's fields that all samples have in common. */
export function sampleFields(key: SigningKey): FinishFields {
  return {
    meshHash: countingBytes(16, 0x10),
    publisher: key.publicKey,
    incarnation: countingBytes(16, 0x30),
    membershipHash: countingBytes(16, 0x50),
    generation: 1,
    time: 1_795_162_530_000,
  }
}

/** One frame of each kind, by name. The first three are a chain. */
export function sampleFrames({ crypto, key }: SampleOptions): Record<string, Uint8Array> {
  const writer = new FrameWriter({ crypto })
  const common = sampleFields(key)
  const tokens = [countingBytes(16, 0x70), countingBytes(16, 0x90)]
  const sign = (digest: Uint8Array): Uint8Array => key.sign(digest)
  const zeros = new Uint8Array(32)
  let sequence = 0
  const fill = (count: number, shardOf: (n: number) => number): void => {
    for (let n = 0; n < count; n++) writer.add(sampleEvent(n), sequence++, shardOf(n), tokens[n % 3])
  }
  const signed = (extra: Partial<FinishFields>, chain: ChainPlace): Uint8Array =>
    writer.finish({ ...common, ...extra, chain }, sign)
  const frames: Record<string, Uint8Array> = {}
  let predecessor: Uint8Array = zeros
  for (let n = 0; n < 3; n++) {
    fill(n === 1 ? 8 : 1, () => 5)
    const credentials = n === 0 ? [countingBytes(40, 0xb0), countingBytes(7, 0xd0)] : []
    frames[`chain ${n}`] = signed({ credentials }, { kind: 'gossip', n, predecessor })
    predecessor = writer.headerDigest ?? zeros
  }
  fill(4, () => 5)
  const readClass = countingBytes(16, 0xe0)
  const logId = countingBytes(16, 0xf0)
  frames['log with read class'] = signed(
    { readClass, acknowledged: true },
    { kind: 'log', n: 7, predecessor, logId, offset: 300 },
  )
  fill(6, (n) => (n % 4) * 1000)
  frames['link, mixed shards'] = signed({}, { kind: 'link', n: 0, predecessor: zeros, receiver: countingBytes(16, 1) })
  fill(4, () => 63)
  frames.unsigned = writer.finish(common)
  writer.add({ ...sampleEvent(0), data: countingBytes(64, 0) }, sequence++, 5, tokens[0])
  frames.chunk = signed({ chunk: { offset: 128, total: 1000 } }, { kind: 'gossip', n: 3, predecessor })
  frames.empty = writer.finish(common)
  return frames
}
