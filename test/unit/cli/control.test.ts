import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connectControl } from '../../../src/cli/control-client.ts'
import { type ControlMethod, serveMethods } from '../../../src/cli/control-server.ts'
import { AmcpError } from '../../../src/core/errors.ts'

let folder: string
let path: string
let server: AsyncDisposable | undefined

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'amcp-control-'))
  path = join(folder, 'control.sock')
})

afterEach(async () => {
  await server?.[Symbol.asyncDispose]()
  server = undefined
  rmSync(folder, { recursive: true })
})

const serve = async (methods: Record<string, ControlMethod>) => {
  server = await serveMethods(path, methods)
  return connectControl(path)
}

describe('the control socket', () => {
  test('answers a request with its value', async () => {
    using client = await serve({ add: async ({ a, b }: { a: number; b: number }) => a + b })
    await expect(client.request('add', { a: 2, b: 3 })).resolves.toBe(5)
  })

  test('answers null for a method that returns nothing', async () => {
    using client = await serve({ nothing: async () => undefined })
    await expect(client.request('nothing')).resolves.toBeNull()
  })

  test('keeps the answers of requests under way apart', async () => {
    const open: (() => void)[] = []
    using client = await serve({
      hold: ({ name }: { name: string }) => new Promise((resolve) => open.push(() => resolve(name))),
      release: async () => {
        for (const go of open.reverse()) go()
      },
    })
    const first = client.request('hold', { name: 'first' })
    const second = client.request('hold', { name: 'second' })
    await client.request('release')
    await expect(Promise.all([first, second])).resolves.toEqual(['first', 'second'])
  })

  test('carries a typed error with its code and details', async () => {
    using client = await serve({
      fail: async () => {
        throw new AmcpError('ERR_TOPIC_INVALID', 'no such topic', { details: { topic: 'a..b' } })
      },
    })
    await expect(client.request('fail')).rejects.toMatchObject({
      code: 'ERR_TOPIC_INVALID',
      details: { topic: 'a..b' },
    })
  })

  test('reports a mistake in the parameters as a usage error', async () => {
    using client = await serve({
      fail: async () => {
        throw new RangeError('a deadline is positive')
      },
    })
    await expect(client.request('fail')).rejects.toMatchObject({ code: 'ERR_USAGE', message: 'a deadline is positive' })
    await expect(client.request('nowhere')).rejects.toMatchObject({ code: 'ERR_USAGE' })
  })

  test('reports any other fault, also one that is no Error, as a failed call', async () => {
    using client = await serve({
      fail: async () => {
        throw new Error('broken')
      },
      text: async () => {
        throw 'plain text'
      },
    })
    await expect(client.request('fail')).rejects.toMatchObject({ code: 'ERR_CALL_FAILED', message: 'broken' })
    await expect(client.request('text')).rejects.toMatchObject({ code: 'ERR_CALL_FAILED', message: 'plain text' })
  })

  test('streams items in order and ends', async () => {
    using client = await serve({
      async *count({ to }: { to: number }) {
        for (let number = 1; number <= to; number += 1) yield number
      },
    })
    const items: number[] = []
    for await (const item of client.stream<number>('count', { to: 20_000 })) items.push(item)
    expect(items).toEqual(Array.from({ length: 20_000 }, (_, index) => index + 1))
  })

  test('a stream that fails rejects the loop with its error', async () => {
    using client = await serve({
      // biome-ignore lint/correctness/useYield: it is to fail before its first item
      async *fail() {
        throw new AmcpError('ERR_STOPPED', 'the context stopped')
      },
    })
    await expect(async () => {
      for await (const _ of client.stream('fail'));
    }).rejects.toMatchObject({ code: 'ERR_STOPPED' })
  })

  test('leaving the loop cancels the stream at the server', async () => {
    let cancelled!: (reason: unknown) => void
    const reason = new Promise((resolve) => {
      cancelled = resolve
    })
    using client = await serve({
      async *forever(_: unknown, signal: AbortSignal) {
        signal.addEventListener('abort', () => cancelled(signal.reason))
        for (let number = 0; !signal.aborted; number += 1) {
          yield number
          await new Promise((resolve) => setImmediate(resolve))
        }
      },
    })
    for await (const item of client.stream<number>('forever')) if (item === 3) break
    await expect(reason).resolves.toMatchObject({ message: 'cancelled by the client' })
  })

  test('a client that goes away cancels what it had under way', async () => {
    let cancelled!: (reason: unknown) => void
    let begun!: () => void
    const running = new Promise<void>((resolve) => {
      begun = resolve
    })
    const reason = new Promise((resolve) => {
      cancelled = resolve
    })
    const client = await serve({
      hold: (_: unknown, signal: AbortSignal) => {
        begun()
        return new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            cancelled(signal.reason)
            resolve(undefined)
          })
        })
      },
    })
    const lost = expect(client.request('hold')).rejects.toMatchObject({ code: 'ERR_CONTROL_UNAVAILABLE' })
    await running
    client[Symbol.dispose]()
    await expect(reason).resolves.toMatchObject({ message: 'the client went away' })
    await lost
  })

  test('a stream that is not read rests until it is, and ends when its reader goes away', async () => {
    const item = 'x'.repeat(2 ** 20)
    for (const isRead of [true, false]) {
      const [first, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      let given = 0
      using _client = await serve({
        async *large() {
          try {
            for (; given < 3; given += 1) {
              yield item
              first.resolve()
            }
          } finally {
            ended.resolve()
          }
        },
      })
      const socket = connect(path)
      socket.pause()
      socket.write('{"id":1,"method":"large","params":{}}\n')
      await new Promise<void>((resolve) => socket.once('readable', resolve))
      // More than the socket takes: what was written waits for its reader.
      expect(given).toBe(0)
      if (isRead) socket.resume()
      else socket.destroy()
      await ended.promise
      expect(given).toBe(isRead ? 3 : 1)
      socket.destroy()
      await server![Symbol.asyncDispose]()
    }
    server = undefined
  })

  test('what fails because its client went away is told to nobody', async () => {
    const [begun, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const client = await serve({
      hold: (_: unknown, signal: AbortSignal) =>
        new Promise((_resolve, reject) => {
          begun.resolve()
          signal.addEventListener('abort', () => {
            reject(signal.reason)
            ended.resolve()
          })
        }),
      ping: async () => 'pong',
    })
    const lost = expect(client.request('hold')).rejects.toMatchObject({ code: 'ERR_CONTROL_UNAVAILABLE' })
    await begun.promise
    client[Symbol.dispose]()
    await Promise.all([lost, ended.promise])
    using next = await connectControl(path)
    expect(await next.request('ping')).toBe('pong')
  })

  test('what a client has cancelled is not answered any more, not even with its fault', async () => {
    using _client = await serve({
      hold: (_: unknown, signal: AbortSignal) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      ping: async () => 'pong',
    })
    const socket = connect(path)
    const answered = new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))))
    socket.write('{"id":1,"method":"hold","params":{}}\n{"id":1,"cancel":true}\n{"id":2,"method":"ping","params":{}}\n')
    expect(JSON.parse(await answered)).toEqual({ id: 2, value: 'pong' })
    socket.destroy()
  })

  test('takes the place of a socket whose context was killed', async () => {
    writeFileSync(path, '')
    using client = await serve({ ping: async () => 'pong' })
    expect(await client.request('ping')).toBe('pong')
  })

  test('says that nothing runs here, and how to start it, when nobody listens', async () => {
    await expect(connectControl(path)).rejects.toMatchObject({
      code: 'ERR_CONTROL_UNAVAILABLE',
      message: expect.stringContaining('amcp up'),
    })
  })

  test('a server that stops fails what was under way', async () => {
    using client = await serve({ hold: () => new Promise(() => {}) })
    const lost = expect(client.request('hold')).rejects.toMatchObject({ code: 'ERR_CONTROL_UNAVAILABLE' })
    await client.request('none').catch((error: unknown) => expect(error).toMatchObject({ code: 'ERR_USAGE' }))
    await server![Symbol.asyncDispose]()
    server = undefined
    await lost
  })

  test('what is asked of a context that has stopped is refused, not waited for', async () => {
    using client = await serve({ hold: () => new Promise(() => {}) })
    const lost = expect(client.request('hold')).rejects.toMatchObject({ code: 'ERR_CONTROL_UNAVAILABLE' })
    await server![Symbol.asyncDispose]()
    server = undefined
    await lost
    await expect(client.request('hold')).rejects.toMatchObject({ code: 'ERR_CONTROL_UNAVAILABLE' })
    await expect(async () => {
      for await (const _ of client.stream('hold'));
    }).rejects.toMatchObject({ code: 'ERR_CONTROL_UNAVAILABLE' })
  })

  test('only this user may open the socket', async () => {
    using _client = await serve({})
    expect(statSync(path).mode & 0o077).toBe(0)
  })

  test.each(['hello', 'null', '7', '"text"'])(
    'a stranger who does not speak JSON lines is cut off: %s',
    async (line) => {
      using _client = await serve({})
      const socket = connect(path)
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
      socket.on('error', () => {}) // being cut off is what is expected
      socket.write(`${line}\n`)
      await closed
    },
  )

  test('a path that is too long for a socket is refused by that name', async () => {
    await expect(serveMethods(join(folder, 'x'.repeat(100)), {})).rejects.toMatchObject({
      code: 'ERR_USAGE',
      message: expect.stringContaining('choose a shorter folder'),
    })
  })

  test('a second server on the same path is refused when the path cannot be bound', async () => {
    await expect(serveMethods(join(folder, 'none', 'control.sock'), {})).rejects.toThrow(/listen/)
  })
})
