import { Worker } from 'node:worker_threads'
import type { Timer } from '../core/clock.ts'
import type { AgentId } from '../core/ids.ts'
import type { LifeCycle } from '../core/life-cycle.ts'
import type { Ports } from '../core/ports.ts'
import { HEADER_BYTES, ID_LENGTH } from './block-report.ts'
import type { BlockReport, Watch } from './watch.ts'

/** Agents that are told apart at a time; the slot of one that ran long ago is given to another. */
const SLOTS = 1_024
const BEAT = 0
const RUNNING = 1

export interface ThreadWatchdogOptions {
  /** How long the event loop may stand still before somebody is named, in ms. @default 2_000 */
  limit?: number
  /**
   * Called when the thread runs again, if it ever does.
   * @param suspects when no agent was running: those whose handlers were under way, after an `await`
   */
  onBlocked?(agent: AgentId | undefined, suspects: readonly AgentId[]): void
}

/**
 * Names the native agent that keeps the thread to itself. A second thread looks at shared memory: a heartbeat that
 * stops means a blocked event loop, and beside it stands who was running. It writes one JSON line to standard error by
 * itself, because the blocked thread cannot. Who goes on after an `await` cannot be seen: then all are named whose
 * handlers are under way. When the second thread itself fails, nobody is named any more: that is logged, and counted as
 * `agents.watchdog-failed`.
 * Node only.
 */
export class ThreadWatchdog implements Watch, LifeCycle {
  readonly #ports: Pick<Ports, 'clock' | 'counters' | 'logger'>
  readonly #limit: number
  readonly #onBlocked: (agent: AgentId | undefined, suspects: readonly AgentId[]) => void
  readonly #words: Int32Array
  readonly #ids: Uint8Array
  /** 1 for each slot whose agent has a handler under way. */
  readonly #suspended: Uint8Array
  readonly #slots = new Map<AgentId, number>()
  readonly #owners: AgentId[] = []
  readonly #encoder = new TextEncoder()
  #next = 0
  #last: AgentId = ''
  #lastSlot = 0
  #worker: Worker | undefined
  #timer: Timer | undefined

  constructor(
    ports: Pick<Ports, 'clock' | 'counters' | 'logger'>,
    { limit = 2_000, onBlocked = () => {} }: ThreadWatchdogOptions = {},
  ) {
    this.#ports = ports
    this.#limit = limit
    this.#onBlocked = onBlocked
    const memory = new SharedArrayBuffer(HEADER_BYTES + SLOTS * (ID_LENGTH + 1))
    this.#words = new Int32Array(memory, 0, HEADER_BYTES / 4)
    this.#ids = new Uint8Array(memory, HEADER_BYTES, SLOTS * ID_LENGTH)
    this.#suspended = new Uint8Array(memory, HEADER_BYTES + SLOTS * ID_LENGTH)
  }

  /** Resolves when the second thread looks. */
  async start(): Promise<void> {
    if (this.#worker !== undefined) return
    const file = new URL(import.meta.url.replace(/thread-watchdog(\.[jt]s).*$/, 'watchdog-worker$1'))
    const worker = new Worker(file, { workerData: { memory: this.#words.buffer, limit: this.#limit } })
    this.#worker = worker
    worker.on('message', (report: BlockReport | 'ready') => {
      if (report !== 'ready') this.#onBlocked(report.agent ?? undefined, report.suspects)
    })
    await new Promise<void>((resolve, reject) => {
      worker.once('error', reject)
      worker.once('message', () => {
        worker.off('error', reject)
        worker.on('error', (err) => this.#failed(err))
        resolve()
      })
    })
    worker.unref()
    this.#beat()
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    const worker = this.#worker
    this.#worker = undefined
    await worker?.terminate()
  }

  enter(agent: AgentId): number {
    const outer = this.#words[RUNNING]!
    this.#words[RUNNING] = (agent === this.#last ? this.#lastSlot : this.#slotOf(agent)) + 1
    return outer
  }

  leave(outer: number): void {
    this.#words[RUNNING] = outer
  }

  suspend(agent: AgentId): void {
    this.#suspended[this.#slots.get(agent) ?? this.#slotOf(agent)] = 1
  }

  settle(agent: AgentId): void {
    const slot = this.#slots.get(agent)
    if (slot !== undefined) this.#suspended[slot] = 0
  }

  #failed(err: unknown): void {
    this.#ports.counters.add('agents.watchdog-failed')
    this.#ports.logger.error({ err }, 'the watchdog failed: agents that block the thread are not named any more')
  }

  #beat(): void {
    Atomics.add(this.#words, BEAT, 1)
    this.#timer = this.#ports.clock.after(this.#limit / 4, () => this.#beat())
  }

  #slotOf(agent: AgentId): number {
    let slot = this.#slots.get(agent)
    if (slot === undefined) {
      slot = this.#next
      this.#next = (slot + 1) % SLOTS
      const before = this.#owners[slot]
      if (before !== undefined) this.#slots.delete(before)
      this.#owners[slot] = agent
      this.#suspended[slot] = 0
      this.#slots.set(agent, slot)
      // Through a copy: an encoder may refuse to write to shared memory.
      this.#ids.set(this.#encoder.encode(agent).subarray(0, ID_LENGTH), slot * ID_LENGTH)
    }
    this.#last = agent
    this.#lastSlot = slot
    return slot
  }
}
