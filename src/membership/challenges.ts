import type { Clock, Timer } from '../core/clock.ts'
import type { SignOfLife } from './sign-of-life.ts'

interface Question {
  readonly settle: (alive: SignOfLife | undefined) => void
  readonly timer: Timer
}

/** Questions to one neighbour whether its process lives, until they are answered or their time is over. */
export class Challenges {
  readonly #open = new Map<string, Question>()

  /** Resolves with what `answered` is told, or with nothing after `ms`. */
  ask(clock: Clock, nonce: string, ms: number): Promise<SignOfLife | undefined> {
    // The nonce is the other end's choice: asked twice, only the later question waits for the answer.
    this.#open.get(nonce)?.settle(undefined)
    return new Promise((resolve) => {
      const settle = (alive: SignOfLife | undefined): void => {
        this.#open.get(nonce)?.timer.cancel()
        this.#open.delete(nonce)
        resolve(alive)
      }
      this.#open.set(nonce, { settle, timer: clock.after(ms, () => settle(undefined)) })
    })
  }

  isOpen(nonce: string): boolean {
    return this.#open.has(nonce)
  }

  answered(nonce: string, alive: SignOfLife): void {
    this.#open.get(nonce)?.settle(alive)
  }

  /** The link has ended: nobody answers any more. */
  close(): void {
    for (const { settle } of [...this.#open.values()]) settle(undefined)
  }
}
