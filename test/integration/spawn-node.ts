import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** The environment of child processes; when coverage is measured they write theirs into a folder of their own. */
export const childEnvironment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  ...(process.env['CHILD_COVERAGE'] ? { NODE_V8_COVERAGE: process.env['CHILD_COVERAGE'] } : {}),
})

/** A Node process whose lines can be awaited. */
export class NodeProcess implements AsyncDisposable {
  readonly child: ChildProcessWithoutNullStreams
  readonly out: string[] = []
  readonly err: string[] = []
  /** The exit code, when all output was read. */
  readonly ended: Promise<number | null>
  readonly #watchers = new Set<() => void>()
  #isOver = false

  constructor(...argv: readonly string[]) {
    this.child = spawn(process.execPath, argv, { env: childEnvironment(), stdio: 'pipe' })
    for (const [stream, lines] of [
      [this.child.stdout, this.out],
      [this.child.stderr, this.err],
    ] as const) {
      createInterface({ input: stream }).on('line', (line) => {
        lines.push(line)
        this.#told()
      })
    }
    this.ended = once(this.child, 'close').then(([code]) => {
      this.#isOver = true
      this.#told()
      return code as number | null
    })
  }

  /** The first line of the output that fits. Rejects with what was printed when the process ends without one. */
  async line(fits: (line: string) => boolean = () => true, of: 'out' | 'err' = 'out'): Promise<string> {
    for (;;) {
      const found = this[of].find(fits)
      if (found !== undefined) return found
      if (this.#isOver) throw new Error(`it ended without that line:\n${[...this.out, ...this.err].join('\n')}`)
      await new Promise<void>((resolve) => this.#watchers.add(resolve))
    }
  }

  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.child.kill(signal)
    return this.ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOver) await this.stop('SIGKILL')
  }

  #told(): void {
    for (const watcher of this.#watchers) watcher()
    this.#watchers.clear()
  }
}
