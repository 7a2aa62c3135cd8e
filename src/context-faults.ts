import type { Timer } from './core/clock.ts'
import { AmcpError } from './core/errors.ts'
import type { LifeCycle } from './core/life-cycle.ts'
import type { Ports } from './core/ports.ts'

export interface ContextFaultsOptions {
  readonly onFault?: ((fault: AmcpError) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * What a context cannot live with: another process under its key, a membership that has run out. While it starts the
 * fault ends the start; later it stops the context and tells who asked for it.
 */
export class ContextFaults implements LifeCycle {
  readonly #ports: Ports
  readonly #expiresAt: number
  readonly #onFault: ((fault: AmcpError) => void) | undefined
  readonly #starting = new AbortController()
  /** Aborted when the start has to be given up. */
  readonly signal: AbortSignal
  #stopContext: (() => Promise<void>) | undefined
  #timer: Timer | undefined

  /** @param expiresAt wall time at which the membership ends, ms */
  constructor(ports: Ports, expiresAt: number, { onFault, signal }: ContextFaultsOptions = {}) {
    this.#ports = ports
    this.#expiresAt = expiresAt
    this.#onFault = onFault
    this.signal = signal === undefined ? this.#starting.signal : AbortSignal.any([signal, this.#starting.signal])
  }

  async start(): Promise<void> {
    const left = this.#expiresAt - this.#ports.clock.now()
    this.#timer = this.#ports.clock.after(left, () => {
      this.raise(new AmcpError('ERR_MEMBERSHIP_EXPIRED', 'the membership of this context has run out'))
    })
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
  }

  /** The start is over: from now on a fault stops the context. */
  started(stopContext: () => Promise<void>): void {
    this.#stopContext = stopContext
  }

  raise(fault: AmcpError): void {
    this.#ports.counters.add('context.fault')
    if (this.#stopContext === undefined) {
      this.#starting.abort(fault)
      return
    }
    this.#ports.logger.error({ err: fault }, 'the context has to stop')
    this.#onFault?.(fault)
    this.#stopContext().catch((err: unknown) => {
      this.#ports.logger.error({ err }, 'the context did not stop cleanly')
    })
  }
}
