import { noise } from '@chainsafe/libp2p-noise'
import { expect, test, vi } from 'vitest'
import { systemPorts } from '../../src/core/default-ports.ts'
import { createContext } from '../../src/create-context.ts'
import { foundMemoryMesh } from '../../src/identity/context-identity.ts'

const offers = vi.hoisted(() => ({ tls: true }))
/** What makes the TLS that a context offers; while `offers.tls` is false it makes Noise once more instead. */
vi.mock('../../src/network/libp2p/socket-tls.ts', async (original) => {
  const { socketTls } = await original<typeof import('../../src/network/libp2p/socket-tls.ts')>()
  return { socketTls: () => (offers.tls ? socketTls() : noise()) }
})

test.each([
  ['dials', 'second'],
  ['is dialled', 'first'],
])('a member that offers Noise only and %s is linked to, greeted and heard', async (_, dialling) => {
  const mesh = foundMemoryMesh(systemPorts())
  const start = async (tls: boolean, bootstrap: readonly string[]) => {
    offers.tls = tls
    return createContext({ identity: mesh.member(), watchdog: false, bootstrap })
  }
  await using first = await start(dialling === 'second', [])
  await using second = await start(dialling !== 'second', first.addresses)
  const noiseOnly = dialling === 'second' ? second : first
  expect(first.neighbours).toEqual([second.id])
  expect(second.members).toEqual([first.id])
  const other = noiseOnly === first ? second : first
  const [here, there] = [other.subscribe('amcp.domain.>'), noiseOnly.subscribe('amcp.domain.>')]
  await Promise.all([here.ready, there.ready])
  await noiseOnly.publish('amcp.domain.a', { from: 'Noise' })
  expect((await here.next()).value).toMatchObject({ source: expect.stringContaining(noiseOnly.id) })
  await there.next()
  await other.publish('amcp.domain.b', { to: 'Noise' })
  expect((await there.next()).value).toMatchObject({ subject: 'amcp.domain.b', data: { to: 'Noise' } })
})
