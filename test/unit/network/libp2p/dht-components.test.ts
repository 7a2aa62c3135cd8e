import { KEEP_ALIVE } from '@libp2p/interface'
import type { KadDHTComponents } from '@libp2p/kad-dht'
import { expect, test } from 'vitest'
import { systemPorts } from '../../../../src/core/default-ports.ts'
import { AdmissionGate } from '../../../../src/network/libp2p/admission-gate.ts'
import { dhtComponents } from '../../../../src/network/libp2p/dht-components.ts'

type PeerId = Parameters<KadDHTComponents['peerStore']['merge']>[0]

const [linked, far] = ['linked', 'far'] as unknown as PeerId[]

function given() {
  const gate = new AdmissionGate(systemPorts(), (peer) => (peer === linked ? ({} as never) : undefined))
  gate.admit(String(linked))
  const merged: unknown[] = []
  const dialled: string[] = []
  const search = { isOn: false }
  const inner = {
    registrar: {},
    connectionManager: {
      openConnection: (peer: PeerId) => {
        dialled.push(String(peer))
        gate.admit(String(peer))
        return Promise.resolve({ remotePeer: peer, newStream: () => Promise.resolve('stream') })
      },
    },
    ping: { ping: () => Promise.resolve(7) },
    peerStore: { merge: (_peer: PeerId, data: unknown) => Promise.resolve(void merged.push(data)) },
  } as unknown as KadDHTComponents
  return { components: dhtComponents(inner, gate, () => search.isOn), merged, dialled, search }
}

test('the DHT looks after linked peers only: it dials nobody to see whether they live', async () => {
  const { components } = given()
  expect(await components.ping.ping(linked!)).toBe(7)
  await expect(components.ping.ping(far!)).rejects.toMatchObject({ code: 'ERR_NOT_CONNECTED' })
})

test('the DHT dials others while a search goes on, and never otherwise', async () => {
  const { components, dialled, search } = given()
  await expect(components.connectionManager.openStream(far!, '/x')).rejects.toMatchObject({
    code: 'ERR_NOT_CONNECTED',
  })
  search.isOn = true
  expect(await components.connectionManager.openStream(far!, '/x')).toBe('stream')
  expect(dialled).toEqual(['far'])
})

test('the DHT asks for no link to be kept, and tags peers as it likes otherwise', async () => {
  const { components, merged } = given()
  await components.peerStore.merge(linked!, { tags: { [`${KEEP_ALIVE}-kad`]: { value: 1 }, near: { value: 2 } } })
  await components.peerStore.merge(linked!, { multiaddrs: [] })
  expect(merged).toEqual([{ tags: { near: { value: 2 } } }, { multiaddrs: [], tags: {} }])
})
