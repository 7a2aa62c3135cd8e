/** What a receiver tells its sender, counted from the beginning of the stream; so a lost grant is mended by the next. */
export interface Credit {
  /** Bytes of messages taken in. */
  readonly received: number
  /** Bytes that may be sent in all. */
  readonly granted: number
}

/** How credits look on the wire, so that the link need not know what else its messages hold. */
export interface CreditFormat {
  write(received: number, granted: number): Uint8Array
  /** Undefined when the message is something else. */
  read(message: Uint8Array): Credit | undefined
}

/** A link envelope without a frame, its length, and the tag of its one record (PROTOCOL.md, link envelope). */
const CONTROL = 1
const CREDIT = 5
const HEADER = 3
/** Seven bits a byte; what does not fit a safe integer is not a credit. */
const LONGEST_VARINT = 8

/** Credits as control messages of a direct lane: an envelope with a credit record and nothing else. */
export const creditMessages: CreditFormat = {
  write: (received, granted) => {
    const message = new Uint8Array(HEADER + varintLength(received) + varintLength(granted))
    message[0] = CONTROL
    message[1] = message.length - 2
    message[2] = CREDIT
    writeVarint(message, writeVarint(message, HEADER, received), granted)
    return message
  },
  read: (message) => {
    if (message[0] !== CONTROL || message[2] !== CREDIT || message[1] !== message.length - 2) return undefined
    const between = varintEnd(message, HEADER)
    if (varintEnd(message, between) !== message.length) return undefined
    return { received: readVarint(message, HEADER), granted: readVarint(message, between) }
  },
}

function varintLength(value: number): number {
  let length = 1
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) length += 1
  return length
}

function writeVarint(into: Uint8Array, from: number, value: number): number {
  let at = from
  let rest = value
  for (; rest > 127; rest = Math.floor(rest / 128)) into[at++] = (rest % 128) | 128
  into[at] = rest
  return at + 1
}

/** Where the varint ends; -1 when it does not. */
function varintEnd(message: Uint8Array, from: number): number {
  for (let at = from; at >= 0 && at < from + LONGEST_VARINT && at < message.length; at += 1)
    if (message[at]! < 128) return at + 1
  return -1
}

function readVarint(message: Uint8Array, from: number): number {
  let value = 0
  let scale = 1
  for (let at = from; ; at += 1) {
    const byte = message[at]!
    value += (byte & 127) * scale
    if (byte < 128) return value
    scale *= 128
  }
}
