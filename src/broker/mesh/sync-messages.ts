import { AmcpError } from '../../core/errors.ts'
import { ByteReader } from '../../events/frame/byte-reader.ts'
import { ByteWriter } from '../../events/frame/byte-writer.ts'
import { HASH_LENGTH } from '../../events/frame/frame-header.ts'
import { MAX_CREDENTIAL_BYTES } from './known-credentials.ts'

/** Hashes or credentials in one message. */
export const MAX_IN_MESSAGE = 64
/** Bytes of a message: the largest frame, or as many credentials as may be, and what stands around them. */
export const SYNC_MESSAGE_LIMIT: number = 1_048_576 + 1_024

/** What travels on `/amcp/sync/1`. */
export type SyncMessage =
  | { readonly kind: 'want'; readonly hashes: readonly Uint8Array[] }
  | { readonly kind: 'credentials'; readonly credentials: readonly Uint8Array[] }
  /** A frame that gossip did not pass on, because a credential was missing when it came. */
  | { readonly kind: 'push'; readonly shard: number; readonly frame: Uint8Array }

const WANT = 1
const CREDENTIALS = 2
const PUSH = 3

export function encodeSync(message: SyncMessage): Uint8Array {
  const out = new ByteWriter(1_024)
  if (message.kind === 'want') {
    out.byte(WANT)
    out.varint(message.hashes.length)
    for (const hash of message.hashes) out.raw(hash)
  } else if (message.kind === 'credentials') {
    out.byte(CREDENTIALS)
    out.varint(message.credentials.length)
    for (const credential of message.credentials) out.block(credential)
  } else {
    out.byte(PUSH)
    out.varint(message.shard)
    out.block(message.frame)
  }
  return out.bytes.slice(0, out.at)
}

/** Throws ERR_FRAME_INVALID for anything malformed. Byte fields are views. */
export function decodeSync(bytes: Uint8Array): SyncMessage {
  const reader = new ByteReader(bytes, 0, bytes.length)
  const kind = reader.byte()
  const message = decodeKind(kind, reader)
  if (reader.remaining > 0) throw invalid('trailing bytes')
  return message
}

function decodeKind(kind: number, reader: ByteReader): SyncMessage {
  if (kind === PUSH) return { kind: 'push', shard: reader.varint(), frame: reader.view(reader.varint()) }
  if (kind !== WANT && kind !== CREDENTIALS) throw invalid('kind')
  const count = reader.varint()
  if (count > MAX_IN_MESSAGE) throw invalid('count')
  const parts: Uint8Array[] = []
  for (let left = count; left > 0; left--) {
    const length = kind === WANT ? HASH_LENGTH : reader.varint()
    if (length > MAX_CREDENTIAL_BYTES) throw invalid('length')
    parts.push(reader.view(length))
  }
  return kind === WANT ? { kind: 'want', hashes: parts } : { kind: 'credentials', credentials: parts }
}

const invalid = (reason: string): AmcpError =>
  new AmcpError('ERR_FRAME_INVALID', `malformed sync message: ${reason}`, { details: { reason } })
