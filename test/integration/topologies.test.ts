import { describe, expect, test } from 'vitest'
import type { Context } from '../../src/context.ts'
import { systemPorts } from '../../src/core/default-ports.ts'
import { createContext } from '../../src/create-context.ts'
import { foundMemoryMesh } from '../../src/identity/context-identity.ts'

const TOPIC = 'amcp.domain.far.first'

/** Contexts over libp2p that dial the one before them only; a ring's last one dials the first, too. */
class Chain implements AsyncDisposable {
  readonly contexts: Context[] = []

  static async open(size: number, shape: 'line' | 'ring'): Promise<Chain> {
    const chain = new Chain()
    const mesh = foundMemoryMesh(systemPorts())
    for (let at = 0; at < size; at += 1) {
      const before = chain.contexts.slice(-1)
      const dialled = shape === 'ring' && at === size - 1 ? [chain.contexts[0]!, ...before] : before
      chain.contexts.push(
        await createContext({
          identity: mesh.member(),
          bootstrap: dialled.flatMap(({ addresses }) => addresses.slice(0, 1)),
          dialBeyond: false,
          lanes: { lane: 'gossip' },
        }),
      )
    }
    return chain
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.contexts.map((context) => context.stop()))
  }
}

describe('contexts over libp2p that are linked to two others at most', () => {
  test('MS-1 in a line of 8, only the ends interested, the first frame of each end reaches the other by gossip', async () => {
    await using chain = await Chain.open(8, 'line')
    const [first, last] = [chain.contexts[0]!, chain.contexts[7]!]
    const heard = Promise.withResolvers<unknown>()
    await last.subscribe(TOPIC, ({ data }) => heard.resolve(data)).ready
    await first.publish(TOPIC, 'from the first')
    expect(await heard.promise).toBe('from the first')

    const back = Promise.withResolvers<unknown>()
    await first.subscribe('amcp.domain.near.first', ({ data }) => back.resolve(data)).ready
    await last.publish('amcp.domain.near.first', 'from the last')
    expect(await back.promise).toBe('from the last')
    expect(chain.contexts.map(({ neighbours }) => neighbours.length)).toEqual([1, 2, 2, 2, 2, 2, 2, 1])
  })

  test('in a ring of 8 the first frame reaches the far side, once, though it comes from both sides', async () => {
    await using chain = await Chain.open(8, 'ring')
    const [first, far] = [chain.contexts[0]!, chain.contexts[4]!]
    const heard: unknown[] = []
    const end = Promise.withResolvers<void>()
    await far.subscribe(TOPIC, ({ data }) => {
      heard.push(data)
      if (data === 'end') end.resolve()
    }).ready
    for (const data of ['first', 'second', 'end']) await first.publish(TOPIC, data)
    await end.promise
    expect(heard).toEqual(['first', 'second', 'end'])
    expect(chain.contexts.map(({ neighbours }) => neighbours.length)).toEqual(Array(8).fill(2))
  })

  test('what is for an agent further away finds no way, since nobody dials beyond', async () => {
    await using chain = await Chain.open(3, 'line')
    const [first, , last] = chain.contexts
    await expect(first!.call(last!.agent, {}, { deadline: 500 })).rejects.toMatchObject({
      code: 'ERR_CALL_TARGET_LOST',
    })
    expect(chain.contexts.map(({ neighbours }) => neighbours.length)).toEqual([1, 2, 1])
  })
})
