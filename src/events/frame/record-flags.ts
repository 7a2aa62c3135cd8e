/** Bits at the start of an event record; PROTOCOL.md has the layout. */

/** Two bits each: how an identifier is written. */
export const CORRELATION = 0
export const CAUSATION = 2
export const TRACE = 4
/** Values of those two bits. */
export const ABSENT = 0
export const BINARY = 1
export const TEXT = 2

export const REPLY_TO = 1 << 6
export const PARTITION_KEY = 1 << 7
/** As a signed distance to the event's time. */
export const EXPIRY = 1 << 8
export const PRIORITY = 1 << 9
export const EXTENSIONS = 1 << 10
/** The data is raw bytes instead of JSON. */
export const RAW_DATA = 1 << 11
export const NO_DATA = 1 << 12
export const TOKEN = 1 << 13
/** Another shard than the event before. */
export const SHARD = 1 << 14
/** The optional attributes start with a byte of the flags below: attributes in unusual form, as strings of the table. */
export const UNUSUAL = 1 << 15

export const ID_TEXT = 1
export const TIME_TEXT = 2
export const EXPIRY_TEXT = 4
/** A `sequence` that is not the number's own text. */
export const SEQUENCE_TEXT = 8
/** Another datacontenttype than application/json. */
export const CONTENT_TYPE = 16
export const ALL_UNUSUAL = 31

/** The shortest record: flags, sequence, time, id, three strings, no data. */
export const SHORTEST_RECORD = 23
export const JSON_TYPE = 'application/json'
export const HIGHEST_PRIORITY = 255

/** Extension names as CloudEvents has them. */
export function isExtensionName(name: string): boolean {
  return /^[a-z0-9]+$/.test(name)
}
