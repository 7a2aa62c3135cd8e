import { describe, expect, test } from 'vitest'
import { agentMint } from '../../src/context-agents.ts'
import { defaultPorts } from '../../src/context-defaults.ts'
import { joinAddresses, memberCredentials } from '../../src/context-membership.ts'
import { foundMemoryMesh } from '../../src/identity/context-identity.ts'

describe('addresses to join by', () => {
  const ports = defaultPorts({})
  const { mesh } = foundMemoryMesh(ports).member()

  test('are those of both descriptions, each once', () => {
    const own = { ...mesh, addresses: ['/a', '/b'] }
    expect(joinAddresses(own, undefined)).toEqual(['/a', '/b'])
    expect(joinAddresses(own, { ...mesh, addresses: ['/b', '/c'] })).toEqual(['/a', '/b', '/c'])
  })

  test('of another mesh are refused', () => {
    const other = foundMemoryMesh(ports).member().mesh
    expect(() => joinAddresses(mesh, other)).toThrow(expect.objectContaining({ code: 'ERR_WRONG_MESH' }))
  })
})

describe('the credentials that membership gets', () => {
  test('admit members of the mesh, refuse others, and name the origin of agents', () => {
    const ports = defaultPorts({})
    const mesh = foundMemoryMesh(ports)
    const [one, other, stranger] = [mesh.member(), mesh.member(), foundMemoryMesh(ports).member()]
    const credentials = memberCredentials(ports, one)
    const now = ports.clock.now()
    expect(credentials.mesh).toBe(one.mesh.mesh)
    expect(() => credentials.check(other.id, other.membership, now)).not.toThrow()
    expect(() => credentials.check(other.id, one.membership, now)).toThrow()
    expect(() => credentials.check(stranger.id, stranger.membership, now)).toThrow()
    const message = Uint8Array.of(1)
    expect(ports.crypto.verify(one.key.publicKey, message, credentials.sign(message))).toBe(true)
    const agent = agentMint(ports, other.key.publicKey).mint('a', 'x')
    expect(credentials.originOfAgent(agent)).toBe(credentials.originOfContext(other.id))
    expect(credentials.originOfAgent(agent)).not.toBe(credentials.originOfContext(one.id))
  })
})
