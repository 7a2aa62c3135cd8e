import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemPorts } from '../../src/core/default-ports.ts'
import {
  acceptMembership,
  foundMesh,
  inviteContext,
  prepareContext,
  readMeshFile,
} from '../../src/identity/context-folder.ts'
import { childEnvironment } from './spawn-node.ts'

const ports = systemPorts()

/** A closed mesh on disk: the founder's folder and those of members it has invited. */
export class MeshFolders implements Disposable {
  readonly #root: string = mkdtempSync(join(tmpdir(), 'amcp-mesh-'))
  readonly founder: string = join(this.#root, 'founder')

  constructor() {
    foundMesh(ports, this.founder, 'test')
  }

  member(name: string): string {
    const folder = join(this.#root, name)
    const did = prepareContext(ports, folder, readMeshFile(ports, join(this.founder, 'mesh.json')))
    acceptMembership(ports, folder, inviteContext(ports, this.founder, did))
    return folder
  }

  /** A member whose membership ran out a minute ago. */
  expired(name: string): string {
    const folder = join(this.#root, name)
    const did = prepareContext(ports, folder, readMeshFile(ports, join(this.founder, 'mesh.json')))
    writeFileSync(join(folder, 'membership.jws'), inviteContext(ports, this.founder, did, { seconds: -60 }))
    return folder
  }

  /** All of it in a second folder, key and store, as after a careless backup. */
  copy(of: string, name: string): string {
    const folder = join(this.#root, name)
    cpSync(of, folder, { recursive: true })
    return folder
  }

  path(name: string): string {
    return join(this.#root, name)
  }

  [Symbol.dispose](): void {
    rmSync(this.#root, { recursive: true, force: true })
  }
}

interface Told {
  id?: number
  result?: unknown
  error?: { code: string; message: string; details: unknown }
  event?: { subject: string; data: unknown }
  up?: { id: string; addresses: readonly string[] }
  down?: { code: string; message: string }
  hanging?: true
}

/** One context in a child process. */
export class ContextProcess implements AsyncDisposable {
  readonly child: ChildProcess
  readonly events: { subject: string; data: unknown }[] = []
  id = ''
  addresses: readonly string[] = []
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  readonly #watchers = new Set<() => void>()
  #asked = 0
  #isHanging = false

  /** Resolves when it is up; rejects with the code it went down with. */
  static async start(folder: string, bootstrap: readonly string[] = []): Promise<ContextProcess> {
    const context = new ContextProcess(folder, bootstrap)
    await context.#up.promise
    return context
  }

  readonly #up = Promise.withResolvers<void>()

  private constructor(folder: string, bootstrap: readonly string[]) {
    const file = new URL('context-node.ts', import.meta.url).pathname
    this.child = fork(file, [folder, JSON.stringify(bootstrap)], {
      env: childEnvironment(),
      execArgv: [],
      stdio: 'inherit',
    })
    this.child.on('message', (told: Told) => this.#told(told))
    this.child.once('exit', () => {
      const gone = new Error('the process has ended')
      this.#up.reject(gone)
      for (const waiting of this.#waiting.values()) waiting.reject(gone)
    })
  }

  ask(act: string, argument?: unknown): Promise<unknown> {
    const id = this.#asked++
    const waiting = Promise.withResolvers<unknown>()
    this.#waiting.set(id, waiting)
    this.child.send({ id, act, argument })
    return waiting.promise
  }

  /** Resolves as soon as the condition holds after something was told. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        const watcher = (): void => {
          this.#watchers.delete(watcher)
          resolve()
        }
        this.#watchers.add(watcher)
      })
    }
  }

  /** Resolves when a `hang` call has reached it. */
  hanging(): Promise<void> {
    return this.until(() => this.#isHanging)
  }

  async kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    const ended = once(this.child, 'exit')
    this.child.kill(signal)
    const [code] = (await ended) as [number | null]
    return code
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) await this.kill('SIGKILL')
  }

  #told({ id, result, error, event, up, down, hanging }: Told): void {
    if (up !== undefined) {
      this.id = up.id
      this.addresses = up.addresses
      this.#up.resolve()
    }
    if (down !== undefined) this.#up.reject(Object.assign(new Error(down.message), { code: down.code }))
    if (event !== undefined) this.events.push(event)
    if (hanging === true) this.#isHanging = true
    if (id !== undefined) {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) waiting?.resolve(result)
      else waiting?.reject(Object.assign(new Error(error.message), error))
    }
    for (const watcher of [...this.#watchers]) watcher()
  }
}
