import { rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { AmcpError } from '../core/errors.ts'
import { type ControlRequest, type ControlResponse, readLines, toControlError } from './control-protocol.ts'

/** A method of the control socket: returns one value, or yields items until it ends or `signal` aborts. */
export type ControlMethod = (params: never, signal: AbortSignal) => Promise<unknown> | AsyncIterable<unknown>

/** Bytes, where systems allow the least (104 with the zero at the end). */
const LONGEST_PATH = 103

/** Serves methods on a socket file that only this user may open; the folder's lock makes sure there is one server. ERR_USAGE. */
export async function serveMethods(
  path: string,
  methods: Readonly<Record<string, ControlMethod>>,
): Promise<AsyncDisposable> {
  if (Buffer.byteLength(path) > LONGEST_PATH) {
    const why = `a socket's path has at most ${LONGEST_PATH} bytes`
    throw new AmcpError('ERR_USAGE', `${path} is too long: ${why}, so choose a shorter folder`, { details: { path } })
  }
  rmSync(path, { force: true })
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    const running = new Map<number, AbortController>()
    socket.on('error', () => socket.destroy()) // a client that went away is no fault of this context
    socket.on('close', () => {
      sockets.delete(socket)
      for (const controller of running.values()) controller.abort(new Error('the client went away'))
    })
    readLines<ControlRequest>(socket, (request) => {
      if ('cancel' in request) {
        running.get(request.id)?.abort(new Error('cancelled by the client'))
        return
      }
      const controller = new AbortController()
      running.set(request.id, controller)
      void answer(socket, request, methods, controller.signal).finally(() => running.delete(request.id))
    })
  })
  const mask = process.umask(0o177)
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(path, resolve)
    })
  } finally {
    process.umask(mask)
  }
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

async function answer(
  socket: Socket,
  request: Extract<ControlRequest, { method: string }>,
  methods: Readonly<Record<string, ControlMethod>>,
  signal: AbortSignal,
): Promise<void> {
  const { id, method, params } = request
  const write = (response: ControlResponse): boolean => socket.write(`${JSON.stringify(response)}\n`)
  try {
    const run = methods[method]
    if (run === undefined) throw new TypeError(`the control socket has no method ${method}`)
    const result = run(params as never, signal)
    if (!(Symbol.asyncIterator in result)) {
      write({ id, value: (await result) ?? null })
      return
    }
    for await (const item of result) {
      if (signal.aborted) return
      if (!write({ id, item })) await drained(socket, signal)
    }
    write({ id, value: null })
  } catch (error) {
    if (!signal.aborted) write({ id, error: toControlError(error) })
  }
}

function drained(socket: Socket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    socket.once('drain', done)
    signal.addEventListener('abort', done, { once: true })
  })
}
