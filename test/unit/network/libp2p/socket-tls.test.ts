import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import type { MultiaddrConnection, SecuredConnection } from '@libp2p/interface'
import { tls } from '@libp2p/tls'
import { afterEach, describe, expect, test } from 'vitest'
import { socketTls } from '../../../../src/network/libp2p/socket-tls.ts'
import { connected as connect, type End, end, MUXER } from './tls-ends.ts'

const closers: (() => unknown)[] = []
const connected = (inactivityTimeout?: number): ReturnType<typeof connect> => connect(closers, inactivityTimeout)

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function secured(
  one: End,
  other: End,
  { client, server }: { client: MultiaddrConnection; server: MultiaddrConnection },
): Promise<[SecuredConnection, SecuredConnection]> {
  return Promise.all([
    one.encrypter.secureOutbound(client, { remotePeer: other.id }),
    other.encrypter.secureInbound(server, { remotePeer: one.id }),
  ])
}

/** Resolves with what came, as text, once it has so many bytes. */
function received({ connection }: SecuredConnection, bytes: number): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    connection.addEventListener('message', ({ data }) => {
      text += Buffer.from(data.subarray()).toString()
      if (text.length >= bytes) resolve(text)
    })
  })
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const closed = (connection: SecuredConnection['connection'] | MultiaddrConnection): Promise<unknown> =>
  new Promise((resolve) => connection.addEventListener('close', resolve, { once: true }))

describe('TLS on the socket itself', () => {
  test.each([
    ['both ends', socketTls(), socketTls()],
    ["the dialler only, with libp2p's own at the other end", socketTls(), tls()],
    ["the listener only, with libp2p's own at the other end", tls(), socketTls()],
  ])('proves who the ends are, chooses the muxer and carries bytes: %s', async (_, dialler, listener) => {
    const [one, other] = [await end(1, dialler), await end(2, listener)]
    const [here, there] = await secured(one, other, await connected())
    expect(here.remotePeer?.toString()).toBe(other.id.toString())
    expect(there.remotePeer?.toString()).toBe(one.id.toString())
    expect(here.streamMuxer?.protocol).toBe(MUXER)
    expect(there.streamMuxer?.protocol).toBe(MUXER)
    const [left, right] = [received(here, 200_000), received(there, 200_000)]
    here.connection.send(bytes('a'.repeat(200_000)))
    there.connection.send(bytes('b'.repeat(200_000)))
    expect(await right).toBe('a'.repeat(200_000))
    expect(await left).toBe('b'.repeat(200_000))
  })

  test('takes the bytes of the handshake that came before it was asked', async () => {
    const [one, other] = [await end(1), await end(2)]
    const ends = await connected()
    const outbound = one.encrypter.secureOutbound(ends.client, { remotePeer: other.id })
    const socket = (ends.server as unknown as { socket: NodeJS.EventEmitter }).socket
    await once(socket, 'data')
    const inbound = await other.encrypter.secureInbound(ends.server)
    expect(inbound.remotePeer?.toString()).toBe(one.id.toString())
    const there = received(inbound, 5)
    ;(await outbound).connection.send(bytes('hello'))
    expect(await there).toBe('hello')
  })

  test('leaves the muxer to be negotiated later when asked, or when the other end has none of ours', async () => {
    const [one, other] = [await end(1), await end(2, socketTls(), ['/other/1.0.0'])]
    const [here, there] = await secured(one, other, await connected())
    expect(here.streamMuxer).toBeUndefined()
    expect(there.streamMuxer).toBeUndefined()
    const ends = await connected()
    const [skipping] = await Promise.all([
      one.encrypter.secureOutbound(ends.client, { skipStreamMuxerNegotiation: true }),
      other.encrypter.secureInbound(ends.server),
    ])
    expect(skipping.streamMuxer).toBeUndefined()
  })

  test('refuses somebody else than the one who was dialled, and ends the connection', async () => {
    const [one, other, third] = [await end(1), await end(2), await end(3)]
    const ends = await connected()
    const gone = closed(ends.client)
    const inbound = other.encrypter.secureInbound(ends.server).catch((error: unknown) => error)
    await expect(one.encrypter.secureOutbound(ends.client, { remotePeer: third.id })).rejects.toThrow(/peer/i)
    await gone
    await inbound
  })

  test('refuses an end that shows no certificate', async () => {
    const other = await end(2)
    const ends = await connected()
    const gone = closed(ends.server)
    const inbound = other.encrypter.secureInbound(ends.server)
    const bare = tlsConnect({
      socket: (ends.client as unknown as { socket: Socket }).socket,
      rejectUnauthorized: false,
      ALPNProtocols: ['libp2p'],
    })
    bare.on('error', () => {})
    await expect(inbound).rejects.toThrow()
    await gone
    bare.destroy()
  })

  test('refuses a connection that has ended already', async () => {
    const one = await end(1)
    const ends = await connected()
    ends.client.abort(new Error('gone'))
    await expect(one.encrypter.secureOutbound(ends.client)).rejects.toMatchObject({ code: 'ERR_STREAM_CLOSED' })
  })

  test('gives up a handshake whose signal is aborted', async () => {
    const one = await end(1)
    const ends = await connected()
    const gone = closed(ends.client)
    const abort = new AbortController()
    const outbound = one.encrypter.secureOutbound(ends.client, { signal: abort.signal })
    await once((ends.server as unknown as { socket: NodeJS.EventEmitter }).socket, 'data')
    abort.abort(new Error('enough'))
    await expect(outbound).rejects.toThrow('enough')
    await gone
  })

  test('fails when the other end hangs up during the handshake, or speaks something else', async () => {
    const one = await end(1)
    const silent = await connected()
    const outbound = one.encrypter.secureOutbound(silent.client)
    await once((silent.server as unknown as { socket: NodeJS.EventEmitter }).socket, 'data')
    await silent.server.close()
    await expect(outbound).rejects.toThrow()
    const babbling = await connected()
    babbling.server.send(bytes('GET / HTTP/1.1\r\n\r\n'))
    await expect(one.encrypter.secureOutbound(babbling.client)).rejects.toThrow()
  })

  test('an end that closes ends the other, after everything was read', async () => {
    const [one, other] = [await end(1), await end(2)]
    const ends = await connected()
    const [here, there] = await secured(one, other, ends)
    const [text, gone, plainGone] = [received(there, 4), closed(there.connection), closed(ends.server)]
    here.connection.send(bytes('last'))
    await here.connection.close()
    expect(await text).toBe('last')
    await Promise.all([gone, plainGone])
    expect(ends.client.status).not.toBe('open')
  })

  test('an end that aborts ends the other', async () => {
    const [one, other] = [await end(1), await end(2)]
    const ends = await connected()
    const [here, there] = await secured(one, other, ends)
    const gone = closed(there.connection)
    here.connection.abort(new Error('no more'))
    await gone
    expect(ends.client.status).toBe('aborted')
  })

  test('a connection on which nothing happens ends at the timeout of the transport', async () => {
    const [one, other] = [await end(1), await end(2)]
    const ends = await connected(300)
    const [here] = await secured(one, other, ends)
    await closed(here.connection)
    expect(ends.client.status).not.toBe('open')
  })

  test("a connection without a socket is left to libp2p's own", async () => {
    const asked: unknown[] = []
    const one = await end(1)
    const bare = { pause: () => asked.push('pause'), log: undefined }
    const connection = bare as unknown as MultiaddrConnection
    await expect(one.encrypter.secureOutbound(connection)).rejects.toThrow()
    await expect(one.encrypter.secureInbound(connection)).rejects.toThrow()
    expect(asked).toEqual(['pause', 'pause'])
  })
})
