import { expect, test } from 'vitest'
import { Counters } from '../../../src/core/counters.ts'
import { OwnAddresses } from '../../../src/membership/own-addresses.ts'
import { FakeMesh } from './fake-mesh.ts'

function own(addresses: readonly string[]) {
  const network = { addresses }
  const counters = new Counters()
  return {
    network,
    list: new OwnAddresses(network, counters),
    cutOff: () => counters.get('membership.addresses.cut-off'),
  }
}

test('a few addresses are told as they are, and the new ones when they change', () => {
  const { network, list, cutOff } = own(['/a', '/b'])
  expect(list.list).toEqual(['/a', '/b'])
  expect(list.list).toBe(list.list)
  network.addresses = ['/a', '/c']
  expect([list.list, cutOff()]).toEqual([['/a', '/c'], 0])
})

test('of more addresses than others take the first ones are told, and those cut off are counted once', () => {
  const { list, cutOff } = own(Array.from({ length: 100 }, (_, n) => `/ip4/192.0.2.${n}/tcp/1`))
  expect(list.list).toHaveLength(64)
  expect([list.list[63], cutOff()]).toEqual(['/ip4/192.0.2.63/tcp/1', 36])
})

test('together they have 8,192 characters, and what is no address is passed over', () => {
  const { list, cutOff } = own(['', ...Array.from({ length: 10 }, () => 'x'.repeat(1_000))])
  expect([list.list.length, cutOff()]).toEqual([8, 3])
})

test('a context with a hundred addresses is let in', async () => {
  const mesh = new FakeMesh()
  const [host] = await mesh.grow(1)
  const guest = await mesh.node(2, { addresses: ['/node/1'] })
  const many = Array.from({ length: 100 }, (_, n) => `/node/2/${n}`)
  Object.defineProperty(guest.network, 'addresses', { get: () => many })
  await mesh.run(guest.members.start())
  expect(host!.members.present).toEqual([guest.members.self])
})
