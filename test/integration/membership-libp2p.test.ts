import { afterEach, describe, expect, test } from 'vitest'
import { memberCredentials } from '../../src/context-membership.ts'
import { systemPorts } from '../../src/core/default-ports.ts'
import type { AmcpError } from '../../src/core/errors.ts'
import { memoryStore } from '../../src/core/memory-store.ts'
import type { Ports } from '../../src/core/ports.ts'
import { mintAgentId } from '../../src/identity/agent-id.ts'
import { type ContextIdentity, foundMemoryMesh, type MemoryMesh } from '../../src/identity/context-identity.ts'
import type { Members } from '../../src/membership/members.ts'
import { meshMembers } from '../../src/membership/mesh-members.ts'
import { libp2pNetwork } from '../../src/network/libp2p/libp2p-network.ts'
import type { Network } from '../../src/network/network.ts'

interface Node {
  readonly identity: ContextIdentity
  readonly members: Members
  readonly network: Network
  readonly ports: Ports
}

const running: Node[] = []

async function node(mesh: MemoryMesh, addresses: readonly string[], identity = mesh.member()): Promise<Node> {
  const ports = systemPorts()
  const network = libp2pNetwork({ ports, seed: identity.seed, meshId: mesh.description.mesh })
  const credentials = memberCredentials(ports, identity)
  const members = meshMembers({ ports, network, store: await memoryStore(), credentials }, { addresses })
  await network.start()
  const one = { identity, members, network, ports }
  running.push(one)
  return one
}

/** Resolves when the condition holds; asked again at every change. */
function until({ members }: Node, condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const stop = members.onChange(() => check())
    const check = (): void => {
      if (!condition()) return
      stop()
      resolve()
    }
    check()
  })
}

afterEach(async () => {
  for (const { members, network } of running.splice(0)) {
    await members.stop()
    await network.stop()
  }
})

describe('membership over libp2p', () => {
  test('MS-2 six contexts join by one address and acknowledge each other’s patterns and offers', async () => {
    const mesh = foundMemoryMesh(systemPorts())
    const first = await node(mesh, [])
    await first.members.start()
    const nodes = [first]
    for (let n = 0; n < 5; n += 1) {
      const next = await node(mesh, first.network.addresses.slice(0, 1))
      await next.members.start()
      nodes.push(next)
    }
    const last = nodes[5]!
    const agent = mintAgentId(last.ports.crypto, last.identity.key.publicKey, 'analyzer', 'one')
    await Promise.all([
      last.members.announcePatterns(['amcp.domain.load.>']),
      last.members.announceOffers([{ agent, capability: 'anomaly.detect', version: '1.0.0' }]),
    ])
    // On a busy machine 2 s may pass first; announcing the same again waits for those who have not answered.
    while (last.members.unconfirmed.length > 0) await last.members.announcePatterns(['amcp.domain.load.>'])
    for (const one of nodes) {
      await until(one, () => one.members.isConverged)
      expect(one.members.present).toHaveLength(5)
      const audience = one === last ? [] : [last.members.self]
      expect(one.members.audienceOf('amcp.domain.load.cpu')).toEqual(audience)
      expect(one.members.offersOf('anomaly.detect')).toMatchObject({ complete: true, offers: [{ agent }] })
      expect(one.members.contextOfAgent(agent)).toBe(last.members.self)
      expect(one.members.membershipOf(last.members.self)).toEqual(last.identity.membership)
    }
  })

  test('a member of another mesh is told ERR_WRONG_MESH and not admitted', async () => {
    const host = await node(foundMemoryMesh(systemPorts()), [])
    await host.members.start()
    const stranger = await node(foundMemoryMesh(systemPorts(), 'another'), host.network.addresses.slice(0, 1))
    await expect(stranger.members.start()).rejects.toMatchObject({ code: 'ERR_WRONG_MESH' })
    expect(host.network.isAdmitted(stranger.members.self)).toBe(false)
    expect(host.members.present).toEqual([])
  })

  test('an expired membership is told ERR_MEMBERSHIP_EXPIRED', async () => {
    const { clock } = systemPorts()
    const old = { ...systemPorts(), clock: { ...clock, now: () => clock.now() - 100_000_000 } }
    const issuer = foundMemoryMesh(old)
    const elder = await node(issuer, [])
    await elder.members.start()
    const identity = { ...issuer.member(undefined, { seconds: 60 }), mesh: issuer.description }
    const guest = await node(issuer, elder.network.addresses.slice(0, 1), identity)
    await expect(guest.members.start()).rejects.toMatchObject({ code: 'ERR_MEMBERSHIP_EXPIRED' })
  })

  test('the data folder copied to a second process: the later one stops with ERR_DUPLICATE_IDENTITY', async () => {
    const mesh = foundMemoryMesh(systemPorts())
    const host = await node(mesh, [])
    await host.members.start()
    const address = host.network.addresses.slice(0, 1)
    const identity = mesh.member()
    const first = await node(mesh, address, identity)
    await first.members.start()
    const copy = await node(mesh, address, identity)
    const failure = await copy.members.start().catch((error: AmcpError) => error.code)
    expect(failure).toBe('ERR_DUPLICATE_IDENTITY')
    expect(host.members.incarnationOf(identity.id)).toEqual(first.members.incarnation)
    expect(first.members.isConverged).toBe(true)
  })

  test('a restart under the same key joins again at once', async () => {
    const mesh = foundMemoryMesh(systemPorts())
    const host = await node(mesh, [])
    await host.members.start()
    const address = host.network.addresses.slice(0, 1)
    const identity = mesh.member()
    const first = await node(mesh, address, identity)
    await first.members.start()
    await first.network.stop()
    running.splice(running.indexOf(first), 1)
    await first.members.stop()
    const second = await node(mesh, address, identity)
    await second.members.start()
    do await second.members.announcePatterns(['again.>'])
    while (second.members.unconfirmed.length > 0)
    expect(host.members.incarnationOf(identity.id)).toEqual(second.members.incarnation)
  })
})
