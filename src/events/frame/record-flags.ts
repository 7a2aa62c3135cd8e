/** Bits at the start of an event record; PROTOCOL.md has the layout. */

/** Two bits each: how an identifier is written. */
export const CORRELATION: number = 0
export const CAUSATION: number = 2
export const TRACE: number = 4
/** Values of those two bits. */
export const ABSENT: number = 0
export const BINARY: number = 1
export const TEXT: number = 2

export const REPLY_TO: number = 1 << 6
export const PARTITION_KEY: number = 1 << 7
/** As a signed distance to the event's time. */
export const EXPIRY: number = 1 << 8
export const PRIORITY: number = 1 << 9
export const EXTENSIONS: number = 1 << 10
/** The data is raw bytes instead of JSON. */
export const RAW_DATA: number = 1 << 11
export const NO_DATA: number = 1 << 12
export const TOKEN: number = 1 << 13
/** Another shard than the event before. */
export const SHARD: number = 1 << 14
/** The optional attributes start with a byte of the flags below: attributes in unusual form, as strings of the table. */
export const UNUSUAL: number = 1 << 15

export const ID_TEXT: number = 1
export const TIME_TEXT: number = 2
export const EXPIRY_TEXT: number = 4
/** A `sequence` that is not the number's own text. */
export const SEQUENCE_TEXT: number = 8
/** Another datacontenttype than application/json. */
export const CONTENT_TYPE: number = 16
export const ALL_UNUSUAL: number = 31

/** Any attribute that a record need not have. */
export const OPTIONAL: number = UNUSUAL | REPLY_TO | PARTITION_KEY | EXPIRY | PRIORITY | EXTENSIONS | 0b11_1111

/** The shortest record: flags, sequence, time, id, three strings, no data. */
export const SHORTEST_RECORD: number = 23
export const JSON_TYPE = 'application/json'
export const HIGHEST_PRIORITY: number = 255
