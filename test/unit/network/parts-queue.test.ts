import { describe, expect, test } from 'vitest'
import { PartsQueue } from '../../../src/network/parts-queue.ts'

const parts = (size: number): Uint8Array[] => [new Uint8Array(size)]

describe('the queue of parts', () => {
  test('hands out first what came first, and counts bytes', () => {
    const queue = new PartsQueue()
    expect(queue.isEmpty).toBe(true)
    expect(queue.nextSize).toBe(0)
    const messages = [parts(3), parts(0), parts(7)]
    for (const message of messages) queue.push(message, message[0]!.length)
    expect(queue.bytes).toBe(10)
    expect(queue.largest).toBe(7)
    expect(queue.nextSize).toBe(3)
    expect(messages.map(() => queue.shift())).toEqual(messages)
    expect(queue.isEmpty).toBe(true)
    expect(queue.bytes).toBe(0)
    expect(queue.largest).toBe(0)
    expect(() => queue.shift()).toThrow(RangeError)
  })

  test('keeps its order through thousands of messages taken while others come', () => {
    const queue = new PartsQueue()
    let pushed = 0
    let shifted = 0
    for (let round = 0; round < 3_000; round += 1) {
      for (let at = 0; at < 2; at += 1) queue.push([Uint8Array.of(pushed & 255, pushed++ >> 8)], 2)
      const [message] = queue.shift()
      expect(message![0]! | (message![1]! << 8)).toBe(shifted++)
    }
    expect(queue.bytes).toBe(2 * (pushed - shifted))
    while (!queue.isEmpty) {
      const [message] = queue.shift()
      expect(message![0]! | (message![1]! << 8)).toBe(shifted++)
    }
    expect(shifted).toBe(pushed)
  })
})
