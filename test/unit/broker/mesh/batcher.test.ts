import { expect, test } from 'vitest'
import { Batcher, type Outlet } from '../../../../src/broker/mesh/batcher.ts'
import { nodeCrypto } from '../../../../src/core/node-crypto.ts'
import type { AmcpEvent } from '../../../../src/events/event.ts'

const event: AmcpEvent = {
  specversion: '1.0',
  id: '0f0e0d0c-0b0a-4908-8706-050403020100',
  source: 'amcp://12D3KooWA/0f0e0d0c-0b0a-8908-8706-050403020100',
  type: 'amcp.event',
  subject: 'amcp.domain.a',
  time: '2026-01-01T00:00:00.000Z',
  datacontenttype: 'application/json',
  data: 1,
}

function fixture() {
  const tasks: (() => void)[] = []
  const turns: (() => void)[] = []
  const batcher = new Batcher(
    {
      now: () => 0,
      monotonic: () => 0,
      after: () => ({ cancel: () => {} }),
      endOfTurn: (run) => void turns.push(run),
      endOfTask: (run) => void tasks.push(run),
    },
    { crypto: nodeCrypto(), largest: 10_000 },
  )
  const frames: number[] = []
  const state = { isReady: true }
  const outlet: Outlet = {
    get isReady() {
      return state.isReady
    },
    isFull: false,
    room: async () => {},
    send: ({ ranges: [range], writer }) => {
      frames.push(range!.last - range!.first + 1)
      writer.reset()
    },
    batch: undefined,
  }
  const route = [outlet]
  let sequence = 0
  const runAll = (waiting: (() => void)[]): void => {
    for (const run of waiting.splice(0)) run()
  }
  return {
    frames,
    state,
    publish: (count: number, isAwaited?: boolean) => {
      for (let n = 0; n < count; n++) batcher.add(route, event, sequence++, 0, undefined, isAwaited)
    },
    endTask: () => runAll(tasks),
    endTurn: () => {
      runAll(tasks)
      runAll(turns)
    },
  }
}

test('a lone event leaves at the end of its task, not of its turn', () => {
  const { publish, endTask, frames } = fixture()
  publish(1)
  expect(frames).toEqual([])
  endTask()
  expect(frames).toEqual([1])
})

test('the events of one task leave together', () => {
  const { publish, endTask, frames } = fixture()
  publish(3)
  endTask()
  expect(frames).toEqual([3])
})

test('further events of a turn whose first has left wait for its end', () => {
  const { publish, endTask, endTurn, frames } = fixture()
  publish(1)
  endTask()
  publish(1)
  endTask()
  publish(1)
  endTask()
  expect(frames).toEqual([1])
  endTurn()
  expect(frames).toEqual([1, 2])
})

test('after a turn with several events all of the next turn leave in one frame', () => {
  const { publish, endTask, endTurn, frames } = fixture()
  publish(2)
  endTurn()
  expect(frames).toEqual([2])
  publish(1)
  endTask()
  publish(1)
  endTask()
  expect(frames).toEqual([2])
  endTurn()
  expect(frames).toEqual([2, 2])
})

test('after a turn with one event the next is taken for quiet again', () => {
  const { publish, endTask, endTurn, frames } = fixture()
  publish(2)
  endTurn()
  publish(1)
  endTurn()
  publish(1)
  endTask()
  expect(frames).toEqual([2, 1, 1])
})

test('events that somebody waits for leave in frames of 24, the rest at the end of the turn', () => {
  const { publish, endTurn, frames } = fixture()
  publish(60, true)
  expect(frames).toEqual([24, 24])
  endTurn()
  expect(frames).toEqual([24, 24, 12])
  publish(60)
  expect(frames).toHaveLength(3)
  endTurn()
  expect(frames).toEqual([24, 24, 12, 60])
})

test('they wait, too, while the frame before has not been handed over', () => {
  const { publish, endTurn, frames, state } = fixture()
  state.isReady = false
  publish(30, true)
  endTurn()
  expect(frames).toEqual([])
  state.isReady = true
  publish(1, true)
  expect(frames).toEqual([31])
})
