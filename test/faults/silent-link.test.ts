import { once } from 'node:events'
import { createServer, connect as dial, type Server, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { defineAgent } from '../../src/agent/define-agent.ts'
import { systemPorts } from '../../src/core/default-ports.ts'
import { createContext } from '../../src/create-context.ts'
import { foundMemoryMesh } from '../../src/identity/context-identity.ts'

/** A wire between two processes that can fall silent without anybody closing anything, as a pulled cable does. */
class Wire implements AsyncDisposable {
  readonly #server: Server
  readonly #pairs: (readonly [Socket, Socket])[] = []

  private constructor(server: Server) {
    this.#server = server
  }

  static async to(port: number): Promise<Wire> {
    const server = createServer({ allowHalfOpen: true })
    const wire = new Wire(server)
    server.on('connection', (near) => {
      const far = dial({ port, host: '127.0.0.1', allowHalfOpen: true })
      wire.#pairs.push([near, far])
      near.pipe(far).pipe(near)
      for (const socket of [near, far]) socket.on('error', () => near.destroy() && far.destroy())
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return wire
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port
  }

  get connections(): number {
    return this.#pairs.length
  }

  /** What is connected now hears nothing any more; who dials anew gets through. */
  fallSilent(): void {
    for (const [near, far] of this.#pairs) {
      near.unpipe(far)
      far.unpipe(near)
      near.pause()
      far.pause()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const sockets of this.#pairs) for (const socket of sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

const portOf = (address: string): number => Number(/\/tcp\/(\d+)/.exec(address)![1])

test('a link that falls silent is noticed: the call on it fails by name, not by its deadline, and a new link serves the next', async () => {
  const mesh = foundMemoryMesh(systemPorts())
  const quiet = { watchdog: false as const, dialBeyond: false }
  await using there = await createContext({ identity: mesh.member(), ...quiet })
  const held = Promise.withResolvers<string>()
  const arrived = Promise.withResolvers<void>()
  const keeper = defineAgent({
    type: 'keeper',
    capabilities: {
      keep: {
        handle: () => {
          arrived.resolve()
          return held.promise
        },
      },
      echo: { handle: (input) => input },
    },
  })
  const { id } = await there.spawn(keeper)
  await using wire = await Wire.to(portOf(there.addresses[0]!))
  const address = `/ip4/127.0.0.1/tcp/${wire.port}/p2p/${there.id}`
  await using here = await createContext({ identity: mesh.member(), bootstrap: [address], ...quiet })
  expect(await here.call('echo', 'first')).toBe('first')
  const before = wire.connections

  const kept = expect(here.call(id, null, { capability: 'keep', deadline: 100_000 })).rejects.toMatchObject({
    code: 'ERR_CALL_TARGET_LOST',
    details: { sent: true },
  })
  await arrived.promise
  wire.fallSilent()
  await kept
  held.resolve('too late')
  expect(await here.call(id, 'again', { capability: 'echo', deadline: 60_000 })).toBe('again')
  expect(wire.connections).toBeGreaterThan(before)
})
