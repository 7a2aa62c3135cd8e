import type { Context } from 'amcp-mesh'
import type { Alert } from './analyzer.ts'
import type { Verdict } from './anomaly.ts'
import { now } from './clock.ts'
import type { Reading } from './telemetry.ts'

export interface CallReport {
  readonly answered: number
  readonly failed: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
}

/** Watches the alerts, and asks for a second opinion on every reading: a call by capability, whoever offers it. */
export class Operator {
  readonly #latencies: number[] = []
  readonly #windows = new Map<string, number[]>()
  readonly #context: Context
  #failed = 0
  #isStopped = false

  constructor(context: Context, onAlert: (alert: Alert) => void) {
    this.#context = context
    context.subscribe('amcp.domain.alert.>', ({ data }) => onAlert(data as Alert))
    context.subscribe('amcp.domain.telemetry.*', ({ data }) => this.#ask(data as Reading))
  }

  async #ask({ host, processCpu }: Reading): Promise<void> {
    const window = this.#windows.get(host) ?? []
    this.#windows.set(host, [...window, processCpu].slice(-30))
    if (window.length === 0 || this.#isStopped) return
    const began = now()
    try {
      const verdict: Verdict = await this.#context.call(
        'anomaly.detect',
        { window, value: processCpu },
        { deadline: 2_000 },
      )
      if (typeof verdict.score !== 'number') throw new TypeError('a verdict has a score')
      this.#latencies.push(now() - began)
    } catch (error) {
      this.#failed += 1
      console.error(`operator: a call failed: ${(error as Error).message}`)
    }
  }

  report(): CallReport {
    const sorted = [...this.#latencies].sort((a, b) => a - b)
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
    return { answered: sorted.length, failed: this.#failed, p50: at(0.5), p99: at(0.99) }
  }

  stop(): void {
    this.#isStopped = true
  }
}
