import { AmcpError } from '../core/errors.ts'
import { parsePattern, withoutContained } from './pattern.ts'

/** A summary is announced to every member, so it is bounded; what is too much is widened, never cut. */
export const MAX_SUMMARY_BYTES: number = 32 * 1024
const VERSION = 1
const AGENT_NAMESPACE = 'amcp.agent.'
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/**
 * What a context listens to, in at most `limit` bytes: contained patterns go, then the deepest levels widen to `>` until
 * it fits. `amcp.agent.*` is never in it, since those topics find their agent by its id.
 */
export function summarise(patterns: Iterable<string>, limit: number = MAX_SUMMARY_BYTES): readonly string[] {
  let summary = withoutContained([...patterns].filter((pattern) => !pattern.startsWith(AGENT_NAMESPACE)))
  for (let depth = deepest(summary); depth > 1 && summaryLength(summary) > limit; depth -= 1) {
    summary = withoutContained(summary.map((pattern) => widen(pattern, depth)))
  }
  return summaryLength(summary) > limit ? ['>'] : summary
}

const deepest = (patterns: readonly string[]): number =>
  patterns.reduce((most, pattern) => Math.max(most, pattern.split('.').length), 0)

/** Patterns of `depth` levels and more keep all but their last ones. */
function widen(pattern: string, depth: number): string {
  const levels = pattern.split('.')
  return levels.length < depth ? pattern : [...levels.slice(0, depth - 1), '>'].join('.')
}

/** Version, number of patterns (2 bytes, big endian), then each as length (2 bytes) and ASCII; sorted. */
export function encodeSummary(summary: readonly string[]): Uint8Array {
  const bytes = new Uint8Array(summaryLength(summary))
  const view = new DataView(bytes.buffer)
  view.setUint8(0, VERSION)
  view.setUint16(1, summary.length)
  let at = 3
  for (const pattern of summary) {
    view.setUint16(at, pattern.length)
    encoder.encodeInto(pattern, bytes.subarray(at + 2))
    at += 2 + pattern.length
  }
  return bytes
}

/** Bytes that `encodeSummary` makes of it. */
export const summaryLength = (summary: readonly string[]): number =>
  summary.reduce((sum, pattern) => sum + 2 + pattern.length, 3)

/** ERR_FRAME_INVALID for bytes that no peer of this version writes. */
export function decodeSummary(bytes: Uint8Array): readonly string[] {
  const fail = (reason: string, cause?: unknown): AmcpError =>
    new AmcpError('ERR_FRAME_INVALID', `a pattern summary ${reason}`, { details: { reason }, cause })
  if (bytes.length < 3 || bytes.length > MAX_SUMMARY_BYTES) throw fail('has a length out of bounds')
  if (bytes[0] !== VERSION) throw fail(`has version ${bytes[0]}`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const patterns: string[] = []
  let at = 3
  for (let left = view.getUint16(1); left > 0; left -= 1) {
    if (at + 2 > bytes.length) throw fail('is cut off')
    const end = at + 2 + view.getUint16(at)
    if (end > bytes.length) throw fail('is cut off')
    try {
      patterns.push(parsePattern(decoder.decode(bytes.subarray(at + 2, end))))
    } catch (cause) {
      throw fail('holds something that is no pattern', cause)
    }
    at = end
  }
  if (at !== bytes.length) throw fail('has bytes behind its end')
  return patterns
}
