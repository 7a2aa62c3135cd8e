import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { AmcpError } from '../core/errors.ts'
import { type ControlResponse, fromControlError, readLines } from './control-protocol.ts'

export interface ControlClient extends Disposable {
  /** One answer. Rejects with the typed error of the running context; ERR_CONTROL_UNAVAILABLE once that has stopped. */
  request<T>(method: string, params?: unknown): Promise<T>
  /** Items as they come; leaving the loop cancels the stream at the server. */
  stream<T>(method: string, params?: unknown): AsyncIterable<T>
}

interface Waiting {
  item(item: unknown): void
  end(value: unknown): void
  fail(error: Error): void
}

/** Connects to the running `amcp up` of a folder. ERR_CONTROL_UNAVAILABLE when none runs there. */
export async function connectControl(path: string): Promise<ControlClient> {
  const socket = connect(path)
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', (cause) => reject(notRunning(path, cause)))
  })
  const waiting = new Map<number, Waiting>()
  let next = 1
  /** Why nothing is answered any more. */
  let closed: AmcpError | undefined
  socket.on('error', () => socket.destroy()) // told with the close that follows
  socket.on('close', () => {
    closed = new AmcpError('ERR_CONTROL_UNAVAILABLE', 'the context stopped', { cause: socket.errored })
    for (const one of waiting.values()) one.fail(closed)
    waiting.clear()
  })
  readLines<ControlResponse>(socket, (response) => {
    const one = waiting.get(response.id)
    if (one === undefined) return // a stream that was cancelled may still have items on the way
    if ('item' in response) {
      one.item(response.item)
      return
    }
    waiting.delete(response.id)
    if ('error' in response) one.fail(fromControlError(response.error))
    else one.end(response.value)
  })
  const send = (message: unknown): void => {
    socket.write(`${JSON.stringify(message)}\n`)
  }
  const ask = (id: number, method: string, params: unknown, one: Waiting): void => {
    if (closed !== undefined) {
      one.fail(closed)
      return
    }
    waiting.set(id, one)
    send({ id, method, params })
  }

  return {
    request<T>(method: string, params: unknown = {}): Promise<T> {
      const id = next++
      return new Promise<T>((resolve, reject) => {
        ask(id, method, params, { item: () => {}, end: (value) => resolve(value as T), fail: reject })
      })
    },
    stream<T>(method: string, params: unknown = {}): AsyncIterable<T> {
      const id = next++
      const cancel = (): void => {
        if (waiting.delete(id)) send({ id, cancel: true })
      }
      return {
        [Symbol.asyncIterator]: () => {
          const items = pump<T>(cancel)
          ask(id, method, params, items)
          return items.iterator
        },
      }
    },
    [Symbol.dispose]() {
      socket.destroy()
    },
  }
}

function notRunning(path: string, cause: unknown): AmcpError {
  const folder = dirname(path)
  const message = existsSync(folder)
    ? `no context is running in ${folder}: start it with amcp up, or name another folder with -f`
    : `there is no context in ${folder}: found a mesh with amcp init, join one with amcp join, or name its folder with -f`
  return new AmcpError('ERR_CONTROL_UNAVAILABLE', message, { cause, details: { folder } })
}

/** Turns pushed items into an async iterator; the server's own back-pressure bounds what waits here. */
function pump<T>(cancel: () => void): Waiting & { iterator: AsyncIterator<T> } {
  const queue: T[] = []
  let ended: { error?: Error } | undefined
  let wake: (() => void) | undefined
  const finish = (outcome: { error?: Error }): void => {
    ended = outcome
    wake?.()
  }
  return {
    item(item) {
      queue.push(item as T)
      wake?.()
    },
    end: () => finish({}),
    fail: (error) => finish({ error }),
    iterator: {
      async next() {
        while (queue.length === 0 && ended === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
        if (queue.length > 0) return { value: queue.shift() as T, done: false }
        if (ended?.error !== undefined) throw ended.error
        return { value: undefined, done: true }
      },
      async return() {
        cancel()
        finish({})
        return { value: undefined, done: true }
      },
    },
  }
}
