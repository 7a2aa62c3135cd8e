import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ControlMethod, serveMethods } from '../../../src/cli/control-server.ts'
import { createProgram } from '../../../src/cli/program.ts'
import { systemPorts } from '../../../src/core/default-ports.ts'
import { folderPaths } from '../../../src/identity/context-folder.ts'

export interface Ran {
  readonly out: string
  readonly err: string
  /** Every line of the output as JSON. */
  readonly json: readonly Record<string, unknown>[]
}

/** A terminal of its own: folders, what is typed, what is printed, and a user who may want to stop. */
export class CliWorld implements AsyncDisposable {
  readonly root: string = mkdtempSync(join(tmpdir(), 'amcp-cli-'))
  readonly folder: string = join(this.root, 'context')
  readonly stop = new AbortController()
  input: Iterable<string> | AsyncIterable<string> = []
  out = ''
  err = ''
  readonly #watchers = new Set<() => void>()
  readonly #servers: AsyncDisposable[] = []

  /** Runs a command as typed. Rejects with what it throws; what it printed is in `out` and `err`. */
  async run(...argv: readonly string[]): Promise<Ran> {
    this.out = ''
    this.err = ''
    const { input } = this
    const program = createProgram({
      ports: systemPorts(),
      version: '1.2.3',
      json: argv.includes('--json'),
      write: (text) => this.#told(() => (this.out += text)),
      writeError: (text) => this.#told(() => (this.err += text)),
      input: (async function* () {
        yield* input
      })(),
      stopped: this.stop.signal,
    })
    await program.parseAsync(argv, { from: 'user' })
    const { out, err } = this
    return {
      out,
      err,
      get json() {
        return out
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as Record<string, unknown>)
      },
    }
  }

  /** Resolves as soon as the condition holds after something was printed. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#watchers.add(resolve))
  }

  async serve(methods: Readonly<Record<string, ControlMethod>>, folder: string = this.root): Promise<void> {
    this.#servers.push(await serveMethods(folderPaths(folder).control, methods))
  }

  path(...names: readonly string[]): string {
    return join(this.root, ...names)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) await server[Symbol.asyncDispose]()
    rmSync(this.root, { recursive: true, force: true })
  }

  #told(write: () => void): void {
    write()
    for (const watcher of this.#watchers) watcher()
    this.#watchers.clear()
  }
}
