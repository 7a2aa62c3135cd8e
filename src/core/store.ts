/** One write of a batch. A space is a namespace of keys, ordered by their bytes. */
export type StoreOperation =
  | { readonly type: 'put'; readonly space: string; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'delete'; readonly space: string; readonly key: Uint8Array }

export interface ScanOptions {
  /** First key, inclusive. */
  readonly from?: Uint8Array
  /** Last key, exclusive. */
  readonly to?: Uint8Array
  /** @default false */
  readonly reverse?: boolean
  /** @default Infinity */
  readonly limit?: number
}

/**
 * An ordered key-value store of one context. A batch is atomic across spaces: after a crash all of it is there or none.
 * Errors: ERR_STORE_CLOSED after close(), ERR_STORE_UNREADABLE when the disk says so, ERR_FOLDER_IN_USE on a second opening.
 */
export interface Store extends AsyncDisposable {
  get(space: string, key: Uint8Array): Promise<Uint8Array | undefined>
  /** With `sync` it resolves when the batch would survive a power cut, otherwise when it would survive the process. */
  batch(operations: readonly StoreOperation[], options?: { sync?: boolean }): Promise<void>
  scan(space: string, options?: ScanOptions): AsyncIterable<readonly [key: Uint8Array, value: Uint8Array]>
  close(): Promise<void>
}
