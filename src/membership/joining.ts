import type { Clock } from '../core/clock.ts'
import type { AmcpError } from '../core/errors.ts'

/**
 * What `start` waits for: the first neighbour with which everything is exchanged. Without addresses there is nobody to
 * wait for. When nobody answers in time the context goes on alone and keeps trying; when those that answered refused,
 * `start` fails with their reason, since no retry mends a wrong mesh.
 */
export class Joining {
  readonly #clock: Clock
  readonly #patience: number
  #outcome: 'alone' | 'waiting' | 'done' = 'alone'
  #failure: AmcpError | undefined
  #refusal: AmcpError | undefined
  #settle: (() => void) | undefined

  /** @param patience ms */
  constructor(clock: Clock, patience: number) {
    this.#clock = clock
    this.#patience = patience
  }

  expect(): void {
    this.#outcome = 'waiting'
  }

  joined(): void {
    this.#end()
  }

  /** A refusal ends the wait only when no other address is left that could still let us in. */
  refused(error: AmcpError): void {
    this.#refusal ??= error
    this.#failWhenTried()
  }

  tried(hasTriedAll: boolean): void {
    this.#hasTriedAll = hasTriedAll
    this.#failWhenTried()
  }

  fail(error: AmcpError): void {
    this.#failure = error
    this.#end()
  }

  stop(): void {
    this.#end()
  }

  async wait(signal?: AbortSignal): Promise<void> {
    if (this.#outcome === 'waiting') {
      const timer = this.#clock.after(this.#patience, () => this.#end())
      const aborted = (): void => this.#end()
      signal?.addEventListener('abort', aborted, { once: true })
      await new Promise<void>((resolve) => {
        this.#settle = resolve
      })
      timer.cancel()
      signal?.removeEventListener('abort', aborted)
    }
    signal?.throwIfAborted()
    if (this.#failure !== undefined) throw this.#failure
  }

  #hasTriedAll = false

  #failWhenTried(): void {
    if (this.#hasTriedAll && this.#refusal !== undefined && this.#outcome === 'waiting') this.fail(this.#refusal)
  }

  #end(): void {
    this.#outcome = 'done'
    this.#settle?.()
  }
}
