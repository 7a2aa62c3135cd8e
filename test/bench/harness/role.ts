import { type ChildProcess, fork } from 'node:child_process'

/** A process of a benchmark: started once, asked to do things by name, stopped at the end. */
export interface Role extends AsyncDisposable {
  readonly pid: number
  /** What the role said when it was ready. */
  readonly info: Readonly<Record<string, unknown>>
  ask<T = unknown>(command: string, argument?: unknown): Promise<T>
}

type Request = { id: number; command: string; argument: unknown }
type Answer = { id: number; value?: unknown; error?: string }

/** Forks `roles/<name>.ts` and resolves when it is ready. */
export async function startRole(name: string, options: unknown = {}): Promise<Role> {
  const child = fork(new URL(`../roles/${name}.ts`, import.meta.url), {
    execArgv: [
      // Of one size from the start: a young generation that V8 makes larger and smaller by 64 MB hides what memory is kept.
      '--min-semi-space-size=64',
      '--max-semi-space-size=64',
      ...(process.env['BENCH_PROFILE'] === undefined
        ? []
        : ['--cpu-prof', '--cpu-prof-dir', process.env['BENCH_PROFILE']]),
    ],
    env: { ...process.env, ROLE_OPTIONS: JSON.stringify(options) },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const waiting = new Map<number, (answer: Answer) => void>()
  let next = 1
  const failure = new Promise<never>((_, reject) => {
    child.once('exit', (code, signal) => reject(new Error(`role ${name} ended with ${code ?? signal}`)))
  })
  failure.catch(() => {}) // a role that was asked to end may end
  const answer = (id: number): Promise<Answer> => new Promise((resolve) => waiting.set(id, resolve))
  child.on('message', (message: Answer) => {
    waiting.get(message.id)?.(message)
    waiting.delete(message.id)
  })
  const ready = await Promise.race([answer(0), failure])
  if (ready.error !== undefined) throw new Error(`role ${name}: ${ready.error}`)
  return {
    pid: child.pid!,
    info: ready.value as Record<string, unknown>,
    async ask<T>(command: string, argument?: unknown): Promise<T> {
      const id = next++
      const reply = answer(id)
      child.send({ id, command, argument } satisfies Request)
      const { value, error } = await Promise.race([reply, failure])
      if (error !== undefined) throw new Error(`role ${name}, ${command}: ${error}`)
      return value as T
    },
    [Symbol.asyncDispose]: () => end(child),
  }
}

function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGKILL')
  return ended
}

/** The other end: says it is ready, then answers commands until it is killed. */
export function serveRole(
  info: Readonly<Record<string, unknown>>,
  commands: Readonly<Record<string, (argument: never) => unknown>>,
): void {
  process.on('message', async ({ id, command, argument }: Request) => {
    try {
      process.send?.({ id, value: await commands[command]!(argument as never) })
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? error.stack : String(error) })
    }
  })
  process.on('disconnect', () => process.exit(0))
  process.send?.({ id: 0, value: info })
}

export const roleOptions = <T>(): T => JSON.parse(process.env['ROLE_OPTIONS'] ?? '{}') as T
