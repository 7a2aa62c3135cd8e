import type { Clock, Timer } from '../../core/clock.ts'
import type { Counters } from '../../core/counters.ts'
import type { ContextId } from '../../core/ids.ts'

export interface ParkingOptions {
  /** Frames per forwarder, and per signer. @default 64 */
  maxFrames?: number
  /** Bytes per forwarder, and per signer. @default 1_048_576 */
  maxBytes?: number
  /** Ms until a frame whose credentials did not come is dropped. @default 2_000 */
  maxMs?: number
}

export interface Parked {
  readonly bytes: Uint8Array
  readonly forwarder: ContextId
  readonly signer: ContextId
  /** Keys of credentials (`hashKey`) that have not come yet. */
  readonly missing: Set<string>
  /** Judges the frame again; called once, when nothing is missing any more. */
  resume(): void
  /** A quarter of the time is over: what is missing is to be asked of others than who brought the frame, for he may withhold it. */
  again(): void
  /** Its credentials did not come in time, or are worth nothing. Of `resume` and this one at most one is called, once. */
  expired(): void
}

interface Load {
  frames: number
  bytes: number
}

/**
 * Holds frames whose signature is good but whose credentials are not known yet. Bounded for both who forwarded and who
 * signed, because either may be hostile: neither can fill the memory, nor use up the other's room with other names.
 */
export class Parking {
  readonly #clock: Clock
  readonly #counters: Counters
  readonly #maxFrames: number
  readonly #maxBytes: number
  readonly #maxMs: number
  readonly #parked = new Map<Parked, Timer>()
  /** Who waits for a credential. */
  readonly #wanting = new Map<string, Set<Parked>>()
  readonly #loads = new Map<string, Load>()

  constructor(
    { clock, counters }: { clock: Clock; counters: Counters },
    { maxFrames = 64, maxBytes = 1_048_576, maxMs = 2_000 }: ParkingOptions = {},
  ) {
    this.#clock = clock
    this.#counters = counters
    this.#maxFrames = maxFrames
    this.#maxBytes = maxBytes
    this.#maxMs = maxMs
  }

  get size(): number {
    return this.#parked.size
  }

  /** False, and counted, when the forwarder or the signer has no room left. */
  park(frame: Parked): boolean {
    const forwarder = `f ${frame.forwarder}`
    const signer = `s ${frame.signer}`
    if (!this.#hasRoom(forwarder, frame) || !this.#hasRoom(signer, frame)) {
      this.#counters.add('broker.parking-full')
      return false
    }
    this.#charge(forwarder, 1, frame.bytes.length)
    this.#charge(signer, 1, frame.bytes.length)
    this.#parked.set(
      frame,
      this.#clock.after(this.#maxMs / 4, () => this.#askAgain(frame)),
    )
    for (const hash of frame.missing) {
      const waiting = this.#wanting.get(hash) ?? new Set()
      this.#wanting.set(hash, waiting.add(frame))
    }
    this.#counters.add('broker.parked')
    return true
  }

  /** A credential has come: frames that lack nothing more go on, in the order in which they were parked. */
  arrived(hash: string): void {
    const waiting = this.#wanting.get(hash)
    this.#wanting.delete(hash)
    for (const frame of waiting ?? []) {
      // Going on may have ended the wait of others.
      if (!this.#parked.has(frame) || !frame.missing.delete(hash) || frame.missing.size > 0) continue
      this.#remove(frame)
      frame.resume()
    }
  }

  /** Whose frames wait for the credential; empty when nobody asked for it. */
  signersOf(hash: string): ReadonlySet<ContextId> {
    return new Set([...(this.#wanting.get(hash) ?? [])].map(({ signer }) => signer))
  }

  /** The credential is worth nothing as this signer's: its frames that wait for it wait in vain. Counted apart from late ones. */
  worthless(hash: string, signer: ContextId): void {
    for (const frame of [...(this.#wanting.get(hash) ?? [])])
      if (frame.signer === signer) this.#giveUp(frame, 'worthless')
  }

  clear(): void {
    for (const frame of [...this.#parked.keys()]) this.#remove(frame)
  }

  #hasRoom(who: string, frame: Parked): boolean {
    const load = this.#loads.get(who)
    return load === undefined
      ? frame.bytes.length <= this.#maxBytes
      : load.frames < this.#maxFrames && load.bytes + frame.bytes.length <= this.#maxBytes
  }

  #charge(who: string, frames: number, bytes: number): void {
    const load = this.#loads.get(who) ?? { frames: 0, bytes: 0 }
    load.frames += frames
    load.bytes += bytes
    if (load.frames === 0) this.#loads.delete(who)
    else this.#loads.set(who, load)
  }

  #askAgain(frame: Parked): void {
    this.#parked.set(
      frame,
      this.#clock.after(this.#maxMs - this.#maxMs / 4, () => this.#giveUp(frame, 'expired')),
    )
    frame.again()
  }

  #giveUp(frame: Parked, why: 'expired' | 'worthless'): void {
    this.#remove(frame)
    this.#counters.add(`broker.parking-${why}`)
    frame.expired()
  }

  #remove(frame: Parked): void {
    this.#parked.get(frame)?.cancel()
    if (!this.#parked.delete(frame)) return
    for (const hash of frame.missing) {
      const waiting = this.#wanting.get(hash)
      waiting?.delete(frame)
      if (waiting?.size === 0) this.#wanting.delete(hash)
    }
    this.#charge(`f ${frame.forwarder}`, -1, -frame.bytes.length)
    this.#charge(`s ${frame.signer}`, -1, -frame.bytes.length)
  }
}
