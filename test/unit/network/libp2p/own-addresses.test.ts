import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import { OwnAddresses } from '../../../../src/network/libp2p/own-addresses.ts'

test('confirms for ever all that it listens at, and what is new at the next look', () => {
  const confirmed: string[] = []
  const listens = [multiaddr('/ip4/8.8.4.4/tcp/1')]
  const own = new OwnAddresses({
    addressManager: {
      confirmObservedAddr: (address, options) => {
        expect(options).toEqual({ type: 'transport', ttl: Number.POSITIVE_INFINITY })
        confirmed.push(address.toString())
      },
    },
    transportManager: { getAddrs: () => listens },
  })
  own.confirm()
  listens.push(multiaddr('/ip4/8.8.8.8/tcp/1'))
  own.confirm()
  expect(confirmed).toEqual(['/ip4/8.8.4.4/tcp/1', '/ip4/8.8.4.4/tcp/1', '/ip4/8.8.8.8/tcp/1'])
})
