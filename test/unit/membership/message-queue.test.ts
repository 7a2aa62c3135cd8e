import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'
import { MessageQueue } from '../../../src/membership/message-queue.ts'
import type { MessageStream } from '../../../src/network/network.ts'
import { idOf } from './fake-mesh.ts'

function stream() {
  let onMessage: (bytes: Uint8Array) => void = () => {}
  let onClose: (cause?: Error) => void = () => {}
  const made = {
    peer: idOf(3),
    onMessage: (listener: typeof onMessage) => {
      onMessage = listener
    },
    onClose: (listener: typeof onClose) => {
      onClose = listener
    },
  } as unknown as MessageStream
  return { made, say: (byte: number) => onMessage(Uint8Array.of(byte)), close: (cause?: Error) => onClose(cause) }
}

describe('the messages of a hello', () => {
  test('are read in order, whether they came before or after they were asked for', async () => {
    const { made, say } = stream()
    using queue = new MessageQueue(made, new VirtualClock(), 100)
    say(1)
    say(2)
    expect([await queue.next(), await queue.next()]).toEqual([Uint8Array.of(1), Uint8Array.of(2)])
    const waiting = queue.next()
    say(3)
    expect(await waiting).toEqual(Uint8Array.of(3))
  })

  test('end with the stream, with its cause, for who waits and for who asks later', async () => {
    const { made, close } = stream()
    using queue = new MessageQueue(made, new VirtualClock(), 100)
    const cause = new Error('reset')
    const waiting = expect(queue.next()).rejects.toMatchObject({ code: 'ERR_STREAM_CLOSED', cause })
    close(cause)
    await waiting
    await expect(queue.next()).rejects.toMatchObject({ code: 'ERR_STREAM_CLOSED', cause })
  })

  test('have one deadline together, which costs nothing once the queue is disposed of', async () => {
    const clock = new VirtualClock()
    const { made } = stream()
    const queue = new MessageQueue(made, clock, 100)
    const waiting = expect(queue.next()).rejects.toMatchObject({ message: 'no answer within 100 ms' })
    await clock.advance(100)
    await waiting
    new MessageQueue(made, clock, 100)[Symbol.dispose]()
    expect(clock.pending).toBe(0)
  })

  test('of a peer that floods are refused beyond a few; what came before is still read', async () => {
    const { made, say } = stream()
    using queue = new MessageQueue(made, new VirtualClock(), 100)
    for (const byte of [1, 2, 3, 4, 5, 6]) say(byte)
    for (const byte of [1, 2, 3, 4]) expect(await queue.next()).toEqual(Uint8Array.of(byte))
    await expect(queue.next()).rejects.toMatchObject({ message: 'more messages than a hello has' })
  })
})
