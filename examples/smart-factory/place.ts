import { type ChildProcess, fork } from 'node:child_process'

export type PlaceName = 'plant' | 'edge-1' | 'edge-2' | 'operator'

export interface PlaceOptions {
  readonly name: PlaceName
  readonly folder: string
  readonly bootstrap: readonly string[]
}

interface Answer {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}

/** One process of the factory, seen from the job that runs them all. */
export class Place {
  readonly name: PlaceName
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  #next = 1

  constructor(options: PlaceOptions, onNews: (news: unknown) => void) {
    this.name = options.name
    this.#child = fork(new URL('./node.ts', import.meta.url), {
      env: { ...process.env, PLACE: JSON.stringify(options) },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#child.on('message', (message: Answer | { news: unknown }) => {
      if ('news' in message) onNews(message.news)
      else {
        this.#waiting.get(message.id)?.(message)
        this.#waiting.delete(message.id)
      }
    })
    this.#child.on('exit', (code, signal) => {
      for (const answer of this.#waiting.values()) answer({ id: 0, error: `${this.name} ended with ${code ?? signal}` })
    })
  }

  /** Asks the process to do something by name; `ready` is the first thing it answers. */
  async ask<T>(command: string, argument: unknown = null): Promise<T> {
    const id = this.#next++
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve))
    this.#child.send({ id, command, argument })
    const { value, error } = await answered
    if (error !== undefined) throw new Error(error)
    return value as T
  }

  /** SIGKILL: nothing is said to anybody. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** SIGTERM: the context drains and leaves. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM')
  }

  #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return Promise.resolve()
    const ended = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()))
    this.#child.kill(signal)
    return ended
  }
}
