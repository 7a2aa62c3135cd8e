import { beforeEach, describe, expect, test } from 'vitest'
import { type FrameSecurity, frameSecurity } from '../../../../src/broker/mesh/frame-security.ts'
import { FORBIDDEN, KnownCredentials } from '../../../../src/broker/mesh/known-credentials.ts'
import { Counters } from '../../../../src/core/counters.ts'
import { silentLogger } from '../../../../src/core/logger.ts'
import { nodeCrypto } from '../../../../src/core/node-crypto.ts'
import type { Ports } from '../../../../src/core/ports.ts'
import { SeededRandom } from '../../../../src/core/seeded-random.ts'
import { VirtualClock } from '../../../../src/core/virtual-clock.ts'
import { shardOf } from '../../../../src/events/shard.ts'
import { sourceOf } from '../../../../src/events/source.ts'
import { mintAgentId } from '../../../../src/identity/agent-id.ts'
import { type ContextIdentity, foundMemoryMesh } from '../../../../src/identity/context-identity.ts'
import { hashKey } from '../../../../src/identity/credential.ts'
import { SecurityManager } from '../../../../src/identity/security-manager.ts'

let ports: Ports & { clock: VirtualClock }
let one: ContextIdentity
let other: ContextIdentity
let security: FrameSecurity
let known: KnownCredentials

const securityOf = (identity: ContextIdentity, publish = ['amcp.domain.>']): FrameSecurity => {
  const { id, key, mesh } = identity
  const membership = { mesh: mesh.mesh, roles: [], publish }
  const tokens = new SecurityManager({ ports, context: id, key, membership })
  return frameSecurity({ ports, identity, tokens })
}
const agentOf = (identity: ContextIdentity, name = 'a') =>
  mintAgentId(ports.crypto, identity.key.publicKey, 'test', name)

beforeEach(() => {
  const clock = new VirtualClock()
  const random = new SeededRandom(5)
  ports = { clock, random, crypto: nodeCrypto(), logger: silentLogger, counters: new Counters() }
  const mesh = foundMemoryMesh(ports)
  one = mesh.member()
  other = mesh.member(undefined, { publish: ['amcp.domain.>', 'amcp.other.x'] })
  security = securityOf(one)
  known = new KnownCredentials(ports, security, 64)
})

describe('security of frames', () => {
  test('gives the same token until it is renewed, and only for agents of this context', async () => {
    const source = sourceOf(one.id, agentOf(one))
    const token = security.tokenOf(source)!
    expect(security.tokenOf(source)).toBe(token)
    expect(security.tokenOf(sourceOf(other.id, agentOf(other)))).toBeUndefined()
    expect(security.tokenOf('nonsense')).toBeUndefined()
    await ports.clock.advance(200_000)
    expect(security.tokenOf(source)).not.toBe(token)
    expect(security.issued(token.hash)).toBe(token.bytes)
  })

  test('hands out its own membership and the tokens it issued by hash, nothing else', () => {
    const token = security.tokenOf(sourceOf(one.id, agentOf(one)))!
    expect(security.issued(token.hash)).toBe(token.bytes)
    expect(security.issued(security.membership.hash)).toBe(one.membership)
    expect(security.issued(new Uint8Array(16))).toBeUndefined()
  })

  test('reads memberships and tokens of others, and says by code what is worth nothing', () => {
    const token = securityOf(other).tokenOf(sourceOf(other.id, agentOf(other)))!
    expect(security.read(other.id, token.bytes)).toMatchObject({ kind: 'token', epoch: 0 })
    expect(security.read(other.id, other.membership)).toMatchObject({ kind: 'membership', agent: undefined })
    expect(() => security.read(one.id, token.bytes)).toThrow(
      expect.objectContaining({ code: 'ERR_CREDENTIAL_INVALID' }),
    )
    expect(() => security.read(one.id, other.membership)).toThrow(expect.objectContaining({ code: 'ERR_NOT_A_MEMBER' }))
    for (const bytes of [new Uint8Array(0), new Uint8Array(40), new TextEncoder().encode('bnVsbA.x.y')])
      expect(() => security.read(other.id, bytes)).toThrow(expect.objectContaining({ code: expect.any(String) }))
  })

  test('knows who minted an agent', () => {
    expect(security.isMintedBy(agentOf(other), other.id)).toBe(true)
    expect(security.isMintedBy(agentOf(other), one.id)).toBe(false)
  })

  test('remembers a bounded number of sources', () => {
    const source = sourceOf(one.id, agentOf(one))
    const first = security.tokenOf(source)
    expect(security.tokenOf(source)).toBe(first)
  })
})

describe('known credentials', () => {
  const tokenOf = (publish?: string[]) => securityOf(other, publish).tokenOf(sourceOf(other.id, agentOf(other)))!

  test('are verified once, and found by hash', () => {
    const token = tokenOf()
    expect(known.absorb(other.id, other.membership)).toBe(true)
    expect(known.absorb(other.id, token.bytes)).toBe(true)
    expect(known.absorb(other.id, token.bytes)).toBe(true)
    expect(known.get(hashKey(token.hash))).toMatchObject({
      kind: 'token',
      context: other.id,
      source: sourceOf(other.id, agentOf(other)),
      isOfOrigin: true,
    })
    expect(known.get('unknown')).toBeUndefined()
  })

  test('count what is worth nothing: forged, of somebody else, too long', () => {
    const token = tokenOf()
    const forged = token.bytes.slice()
    forged[forged.length - 3]! ^= 1
    expect(known.absorb(other.id, forged)).toBe(false)
    expect(known.absorb(one.id, token.bytes)).toBe(false)
    expect(known.absorb(other.id, new Uint8Array(16_385))).toBe(false)
    expect(ports.counters.get('broker.credential-invalid')).toBe(3)
  })

  test('pass on a fault that is none of the credential', () => {
    const broken = {
      ...security,
      read: () => Promise.reject,
      isMintedBy: security.isMintedBy,
    } as unknown as FrameSecurity
    Object.assign(broken, {
      read: () => {
        throw new RangeError('a bug')
      },
    })
    expect(() => new KnownCredentials(ports, broken, 64).absorb(other.id, new Uint8Array(10))).toThrow(RangeError)
  })

  test('allow a topic only within token and membership, and follow a new membership', () => {
    const token = tokenOf(['amcp.domain.a', 'amcp.other.>'])
    known.absorb(other.id, other.membership)
    known.absorb(other.id, token.bytes)
    const bearer = known.get(hashKey(token.hash))!
    const membership = known.get(hashKey(securityOf(other).membership.hash))!
    for (let twice = 0; twice < 2; twice += 1) {
      expect(bearer.shardOf('amcp.domain.a', membership)).toBe(shardOf('amcp.domain.a'))
      expect(bearer.shardOf('amcp.domain.b', membership)).toBe(-1)
      expect(bearer.shardOf('amcp.other.x', membership)).toBe(shardOf('amcp.other.x'))
      expect(bearer.shardOf('amcp.other.y', membership)).toBe(-1)
    }
    known.absorb(one.id, one.membership)
    const wider = known.get(hashKey(security.membership.hash))!
    expect(bearer.shardOf('amcp.other.y', wider)).toBe(shardOf('amcp.other.y'))
  })

  test('keep a bounded number of verdicts, of each and of all together', () => {
    known = new KnownCredentials(ports, security, 64, { verdicts: 6_000 })
    known.absorb(other.id, other.membership)
    known.absorb(one.id, one.membership)
    const membership = known.get(hashKey(security.membership.hash))!
    for (const name of ['a', 'b', 'c']) {
      const token = securityOf(other, ['amcp.>']).tokenOf(sourceOf(other.id, agentOf(other, name)))!
      known.absorb(other.id, token.bytes)
      const bearer = known.get(hashKey(token.hash))!
      for (let at = 0; at < 5_000; at += 1)
        expect(bearer.shardOf(`amcp.domain.t.${at}`, membership)).toBe(shardOf(`amcp.domain.t.${at}`))
      expect(known.size.verdicts).toBeLessThanOrEqual(6_000)
    }
  })

  test('allow no name that breaks the grammar of topics, whatever pattern it fits, so that none is remembered', () => {
    known.absorb(other.id, other.membership)
    const token = tokenOf(['amcp.domain.>'])
    known.absorb(other.id, token.bytes)
    const membership = known.get(hashKey(securityOf(other).membership.hash))!
    for (const topic of ['amcp.domain.>', 'amcp.domain.a b', `amcp.domain.${'x'.repeat(600)}`, 'amcp.domain.'])
      expect(known.get(hashKey(token.hash))!.shardOf(topic, membership)).toBe(FORBIDDEN)
  })

  test('of somebody whose membership was not seen are not looked at, unless it is the membership', () => {
    const token = tokenOf()
    expect(known.isEarly(other.id, token.bytes)).toBe(true)
    expect(known.absorb(other.id, token.bytes)).toBe(false)
    expect(known.size.credentials).toBe(0)
    expect(known.isEarly(other.id, other.membership)).toBe(false)
    known.absorb(other.id, other.membership)
    expect(known.isEarly(other.id, token.bytes)).toBe(false)
  })

  test('when there is no more room, are those of whoever has most: nobody pushes the others out', () => {
    known = new KnownCredentials(ports, security, 64, { credentials: 8 })
    known.absorb(one.id, one.membership)
    const friend = security.tokenOf(sourceOf(one.id, agentOf(one)))!
    known.absorb(one.id, friend.bytes)
    known.absorb(other.id, other.membership)
    for (let at = 0; at < 50; at += 1)
      known.absorb(other.id, securityOf(other).tokenOf(sourceOf(other.id, agentOf(other, `${at}`)))!.bytes)
    expect(known.size.credentials).toBe(8)
    expect(known.get(hashKey(friend.hash))).toBeDefined()
    expect(known.get(hashKey(security.membership.hash))).toBeDefined()
    known = new KnownCredentials(ports, security, 64, { credentials: 1 })
    known.absorb(one.id, one.membership)
    known.absorb(other.id, other.membership)
    expect(known.get(hashKey(security.membership.hash))).toBeUndefined()
    expect(known.size.credentials).toBe(1)
  })

  test('give the room of their verdicts back when they go, and take none after that', () => {
    known = new KnownCredentials(ports, security, 64, { credentials: 3 })
    known.absorb(one.id, one.membership)
    known.absorb(other.id, other.membership)
    const membership = known.get(hashKey(security.membership.hash))!
    const tokens = ['a', 'b', 'c'].map((name) => {
      const token = securityOf(other, ['amcp.>']).tokenOf(sourceOf(other.id, agentOf(other, name)))!
      known.absorb(other.id, token.bytes)
      const bearer = known.get(hashKey(token.hash))!
      for (const topic of ['amcp.a', 'amcp.b']) bearer.shardOf(topic, membership)
      return { token, bearer }
    })
    const kept = tokens.filter(({ token }) => known.get(hashKey(token.hash)) !== undefined)
    expect([kept.length, known.size]).toEqual([2, { credentials: 3, verdicts: 4 }])
    expect(tokens[0]!.bearer.shardOf('amcp.c', membership)).toBe(shardOf('amcp.c'))
    expect(known.size.verdicts).toBe(4)
  })

  test('are verified at a rate for each member', async () => {
    known.absorb(other.id, other.membership)
    expect(known.mayVerify(other.id, 16_384)).toBe(true)
    expect(known.mayVerify(other.id, 1)).toBe(false)
    expect(known.mayVerify(other.id, 0)).toBe(true)
    expect(known.mayVerify(one.id, 1)).toBe(true)
    await ports.clock.advance(1_000)
    expect(known.mayVerify(other.id, 500)).toBe(true)
  })
})
