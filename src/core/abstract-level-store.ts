import type { AbstractBatchOperation, AbstractLevel } from 'abstract-level'
import { AmcpError } from './errors.ts'
import { plainBytes } from './plain-bytes.ts'
import type { ScanOptions, Store, StoreOperation } from './store.ts'

export type BytesLevel = AbstractLevel<string | Buffer | Uint8Array, Uint8Array, Uint8Array>

const encoder = new TextEncoder()
const LONGEST_SPACE = 255

/**
 * A Store on any database of the abstract-level family. Spaces are key prefixes (length, name), so that one batch of
 * the database covers all of them.
 */
export class AbstractLevelStore implements Store {
  readonly #level: BytesLevel
  readonly #own: (bytes: Uint8Array) => Uint8Array
  readonly #prefixes = new Map<string, Uint8Array>()

  /**
   * @param level open, with `view` encodings
   * @param keepsArrays whether the database holds the very arrays it is given, so that they must be copied on both ways
   */
  constructor(level: BytesLevel, { keepsArrays = false }: { keepsArrays?: boolean } = {}) {
    this.#level = level
    this.#own = keepsArrays ? (bytes) => bytes.slice() : plainBytes
  }

  async get(space: string, key: Uint8Array): Promise<Uint8Array | undefined> {
    try {
      const value = await this.#level.get(this.#keyOf(space, key))
      return value === undefined ? undefined : this.#own(value)
    } catch (cause) {
      throw storeErrorOf(cause)
    }
  }

  async batch(operations: readonly StoreOperation[], { sync = false }: { sync?: boolean } = {}): Promise<void> {
    const batch: AbstractBatchOperation<BytesLevel, Uint8Array, Uint8Array>[] = operations.map((operation) =>
      operation.type === 'put'
        ? { type: 'put', key: this.#keyOf(operation.space, operation.key), value: this.#own(operation.value) }
        : { type: 'del', key: this.#keyOf(operation.space, operation.key) },
    )
    const options: object = { sync }
    try {
      await this.#level.batch(batch, options)
    } catch (cause) {
      throw storeErrorOf(cause)
    }
  }

  async *scan(
    space: string,
    { from, to, reverse = false, limit = Number.POSITIVE_INFINITY }: ScanOptions = {},
  ): AsyncIterable<readonly [key: Uint8Array, value: Uint8Array]> {
    const prefix = this.#prefixOf(space)
    const range = {
      gte: from === undefined ? prefix : this.#keyOf(space, from),
      lt: to === undefined ? endOf(prefix) : this.#keyOf(space, to),
      reverse,
      limit,
    }
    try {
      for await (const [key, value] of this.#level.iterator(range))
        yield [this.#own(key).subarray(prefix.length), this.#own(value)]
    } catch (cause) {
      throw storeErrorOf(cause)
    }
  }

  async close(): Promise<void> {
    await this.#level.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #keyOf(space: string, key: Uint8Array): Uint8Array {
    const prefix = this.#prefixOf(space)
    const whole = new Uint8Array(prefix.length + key.length)
    whole.set(prefix)
    whole.set(key, prefix.length)
    return whole
  }

  #prefixOf(space: string): Uint8Array {
    let prefix = this.#prefixes.get(space)
    if (prefix === undefined) {
      const name = encoder.encode(space)
      if (name.length === 0 || name.length > LONGEST_SPACE)
        throw new RangeError(`the name of a space has 1 to ${LONGEST_SPACE} bytes, got ${name.length}`)
      prefix = new Uint8Array(1 + name.length)
      prefix[0] = name.length
      prefix.set(name, 1)
      this.#prefixes.set(space, prefix)
    }
    return prefix
  }
}

/** The first key after all that begin with the prefix; its last byte is UTF-8, so never 255. */
function endOf(prefix: Uint8Array): Uint8Array {
  const end = Uint8Array.from(prefix)
  end[end.length - 1] = prefix[prefix.length - 1]! + 1
  return end
}

/** What a fault of the database is called here. A fault that is none of the database's is handed back as it is. */
export function storeErrorOf(fault: unknown): unknown {
  const code = codeOf(fault)
  if (code === undefined) return fault
  const inner = fault instanceof Error ? codeOf(fault.cause) : undefined
  if (code === 'LEVEL_LOCKED' || inner === 'LEVEL_LOCKED')
    return new AmcpError(
      'ERR_FOLDER_IN_USE',
      'the folder is in use: another process has its store open. Stop that one first, or take another folder',
      {
        cause: fault,
        retryable: true,
      },
    )
  if ((code === 'LEVEL_DATABASE_NOT_OPEN' && inner === undefined) || code === 'LEVEL_ITERATOR_NOT_OPEN')
    return new AmcpError('ERR_STORE_CLOSED', 'the store is closed', { cause: fault })
  return new AmcpError('ERR_STORE_UNREADABLE', `the store cannot be read: ${inner ?? code}`, { cause: fault })
}

function codeOf(fault: unknown): string | undefined {
  if (!(fault instanceof Error) || !('code' in fault) || typeof fault.code !== 'string') return undefined
  return fault.code
}
