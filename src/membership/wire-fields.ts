/** 16 bytes in lower-case hex: digests, incarnations and nonces. */
const HEX_16 = /^[0-9a-f]{32}$/
const TEXT_LIMIT = 4_095

/** Checks of single fields that came from elsewhere, from a peer or from the disk: each is named after what it asks. */
export const isString = (value: unknown): value is string => typeof value === 'string'

/** 1 to 4,095 characters: a text that everybody keeps. */
export const isShortText = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= TEXT_LIMIT

export const isHex16 = (value: unknown): value is string => typeof value === 'string' && HEX_16.test(value)

/** A version, time or count. */
export const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
