import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { MessageStream, MultiaddrConnection } from '@libp2p/interface'
import { afterAll, expect, test } from 'vitest'
import { SeededRandom } from '../../src/core/seeded-random.ts'
import { connected, end } from '../unit/network/libp2p/tls-ends.ts'

const ROUNDS = Number(process.env['TLS_CHURN_ROUNDS'] ?? 150)
const SEED = Number(process.env['TLS_CHURN_SEED'] ?? 8)
const closers: (() => unknown)[] = []

afterAll(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** Node's TLS on a socket that others may end: whoever frees memory in the wrong order ends this process. */
test(`links that end in every way, at any time, under load, end at both ends and hurt nobody (seed ${SEED})`, async () => {
  const random = new SeededRandom(SEED)
  const below = (limit: number): number => Math.floor(random.float() * limit)
  const [one, other] = [await end(1), await end(2)]
  const [small, large] = [new Uint8Array(100), new Uint8Array(300_000)]
  const socketOf = (connection: MultiaddrConnection): Socket => (connection as unknown as { socket: Socket }).socket
  let survived = 0

  const hurt = (raw: MultiaddrConnection, top: MessageStream): void => {
    const ways = [
      () => raw.abort(new Error('aborted below')),
      () => top.abort(new Error('aborted above')),
      () => void raw.close().catch(() => {}),
      () => void top.close().catch(() => {}),
      () => socketOf(raw).destroy(),
      () => socketOf(raw).resetAndDestroy(),
    ]
    ways[below(ways.length)]!()
  }

  for (let round = 0; round < ROUNDS; round++) {
    const ends = await connected(closers)
    const gone = Promise.all([ends.client, ends.server].map((each) => once(socketOf(each), 'close')))
    const hand = Promise.allSettled([
      one.encrypter.secureOutbound(ends.client),
      other.encrypter.secureInbound(ends.server),
    ])
    if (below(4) === 0) {
      for (let turns = below(60); turns > 0; turns--) await new Promise(setImmediate)
      hurt(ends.client, ends.server)
    }
    const [left, right] = await hand
    if (left.status === 'fulfilled' && right.status === 'fulfilled') {
      survived++
      const [here, there] = [left.value.connection, right.value.connection]
      here.addEventListener('message', () => {
        if (below(3) === 0 && there.status === 'open') there.send(small)
      })
      there.addEventListener('message', () => {
        if (below(40) === 0) hurt(ends.server, there)
      })
      for (let sends = 0; sends < 20; sends++) {
        const from = below(2) === 0 ? here : there
        if (from.status === 'open') from.send(below(3) === 0 ? large : small)
        if (below(4) === 0) await new Promise(setImmediate)
      }
      hurt(ends.client, here)
      if (below(2) === 0) hurt(ends.server, there)
    }
    await gone
  }
  expect(survived).toBeGreaterThan(ROUNDS / 2)
})
