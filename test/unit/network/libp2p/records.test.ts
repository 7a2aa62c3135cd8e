import type { ContentRouting } from '@libp2p/interface'
import { expect, test } from 'vitest'
import { systemPorts } from '../../../../src/core/default-ports.ts'
import { VirtualClock } from '../../../../src/core/virtual-clock.ts'
import { DhtRecords } from '../../../../src/network/libp2p/records.ts'

function attached(find: (signal: AbortSignal) => AsyncIterable<{ id: string }>) {
  const clock = new VirtualClock()
  const keys: string[] = []
  const records = new DhtRecords({ ...systemPorts(), clock })
  const routing = {
    provide: (cid: object) => Promise.resolve(void keys.push(`provide ${cid}`)),
    cancelReprovide: (cid: object) => Promise.resolve(void keys.push(`withdraw ${cid}`)),
    findProviders: (_cid: object, { signal }: { signal: AbortSignal }) => find(signal),
  }
  records.attach(routing as unknown as ContentRouting)
  return { records, clock, keys }
}

async function collect(found: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = []
  for await (const each of found) all.push(each)
  return all
}

async function* until(signal: AbortSignal, ...ids: string[]): AsyncIterable<{ id: string }> {
  for (const id of ids) yield { id }
  await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
}

test('names a key by one CID for all acts, another key by another', async () => {
  const { records, keys, clock } = attached(async function* () {})
  await records.provide('a')
  await records.withdraw('a')
  await records.provide('b')
  const [first, second, third] = keys.map((key) => key.split(' ')[1])
  expect(first).toBe(second)
  expect(third).not.toBe(first)
  expect(clock.pending).toBe(0)
})

test('yields each provider once and ends when the time is up', async () => {
  const { records, clock } = attached((signal) => until(signal, 'x', 'y', 'x'))
  const found = collect(records.providers('a'))
  await clock.advance(5_000)
  expect(await found).toEqual(['x', 'y'])
})

test('rejects with the reason of the caller, and with a fault of the search', async () => {
  const { records } = attached((signal) => until(signal))
  const controller = new AbortController()
  const reason = new Error('enough')
  const found = collect(records.providers('a', { signal: controller.signal }))
  controller.abort(reason)
  await expect(found).rejects.toBe(reason)
  const fault = new Error('a fault')
  const broken = attached(() => {
    throw fault
  })
  await expect(collect(broken.records.providers('a'))).rejects.toBe(fault)
  broken.records.detach()
  await expect(broken.records.withdraw('a')).rejects.toMatchObject({ code: 'ERR_STOPPED' })
})

test('a consumer that has found enough ends the search', async () => {
  const { records, clock } = attached((signal) => until(signal, 'x', 'y'))
  for await (const provider of records.providers('a')) {
    expect(provider).toBe('x')
    break
  }
  expect(clock.pending).toBe(0)
})
