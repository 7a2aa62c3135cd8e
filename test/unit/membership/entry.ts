import { encodeBody, type StateBody } from '../../../src/membership/state-body.ts'
import { encodeHead, type StateEntry } from '../../../src/membership/state-entry.ts'

const HEX = '0'.repeat(32)

/** An entry of the map as it is held after its signature was checked. */
export function entry(context: string, version: number, body: Partial<StateBody>, flags = 0): StateEntry {
  const head = { context, incarnation: HEX, version, since: 0, flags, rival: '', body: HEX, membership: HEX }
  const whole = { addresses: [], patterns: [], offers: [], ...body }
  const none = new Uint8Array()
  return {
    head,
    headBytes: encodeHead(head),
    signature: new Uint8Array(64),
    body: whole,
    bodyBytes: encodeBody(whole),
    membership: none,
  }
}
