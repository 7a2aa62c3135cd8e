import { describe, expect, test } from 'vitest'
import { Counters } from '../../../src/core/counters.ts'
import { contextIdOf } from '../../../src/core/ids.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { nodeCrypto } from '../../../src/core/node-crypto.ts'
import { systemRandom } from '../../../src/core/system-random.ts'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'
import { mintAgentId } from '../../../src/identity/agent-id.ts'
import { issueAgentToken, TOKEN_SECONDS, verifyAgentToken } from '../../../src/identity/agent-token.ts'
import { issueCallerLink, verifyCallerLink } from '../../../src/identity/caller-link.ts'
import { credentialOf, hashKey } from '../../../src/identity/credential.ts'
import { type CustodyRecord, signCustodyRecord, verifyCustodyRecord } from '../../../src/identity/custody-record.ts'
import { SecurityManager } from '../../../src/identity/security-manager.ts'
import { bytesOf, textOf } from '../../../src/identity/statement.ts'

const crypto = nodeCrypto()
const key = crypto.signingKey(new Uint8Array(32).fill(1))
const other = crypto.signingKey(new Uint8Array(32).fill(2))
const context = contextIdOf(key.publicKey)
const mesh = '0'.repeat(32)
const agent = '0f0e0d0c-0b0a-8908-8706-050403020100'
const token = {
  agent,
  mesh,
  roles: ['agent'],
  publish: ['amcp.>'],
  epoch: 0,
  custody: undefined,
  expiresAt: 1_790_000_000,
}
const refused = expect.objectContaining({ code: 'ERR_CREDENTIAL_INVALID' })

describe('agent tokens', () => {
  const judge = { context, key: key.publicKey, mesh }

  test('carry what they say', () => {
    expect(verifyAgentToken(crypto, judge, issueAgentToken(key, context, token))).toEqual(token)
    const moved = { ...token, epoch: 3, custody: 'ab'.repeat(32) }
    expect(verifyAgentToken(crypto, judge, issueAgentToken(key, context, moved))).toEqual(moved)
  })

  test('of another key, another context or another mesh are refused', () => {
    expect(() => verifyAgentToken(crypto, judge, issueAgentToken(other, context, token))).toThrow(refused)
    expect(() => verifyAgentToken(crypto, judge, issueAgentToken(key, contextIdOf(other.publicKey), token))).toThrow(
      'shown by',
    )
    expect(() =>
      verifyAgentToken(crypto, judge, issueAgentToken(key, context, { ...token, mesh: '1'.repeat(32) })),
    ).toThrow(expect.objectContaining({ code: 'ERR_WRONG_MESH' }))
  })
})

describe('the security manager', () => {
  const setUp = (publish: readonly string[] = ['amcp.>'], generation?: number) => {
    const clock = new VirtualClock()
    const counters = new Counters()
    const ports = { clock, random: systemRandom(), crypto, logger: silentLogger, counters }
    const membership = { mesh, roles: ['agent'], publish }
    const security = new SecurityManager({ ports, context, key, membership }, generation)
    return { clock, counters, security }
  }

  test('issues a token at first use and keeps it', () => {
    const { security, counters } = setUp()
    expect(counters.get('security.tokens-issued')).toBe(0)
    const first = security.tokenOf(agent)
    expect(security.tokenOf(agent)).toBe(first)
    expect(first.hash).toEqual(crypto.sha256(first.bytes).slice(0, 16))
    expect(counters.get('security.tokens-issued')).toBe(1)
  })

  test('renews a token when half of its time is gone', async () => {
    const { security, clock } = setUp()
    const first = security.tokenOf(agent)
    await clock.advance((TOKEN_SECONDS * 1_000) / 2 - 1)
    expect(security.tokenOf(agent)).toBe(first)
    await clock.advance(1)
    expect(hashKey(security.tokenOf(agent).hash)).not.toBe(hashKey(first.hash))
  })

  test('refuses a topic that the membership does not cover, and lets through what it names', () => {
    const { security } = setUp(['amcp.domain.a.*', 'amcp.agent.*'])
    for (const topic of ['amcp.domain.a.b', 'amcp.domain.a.b', `amcp.agent.${agent}`]) security.checkPublish(topic)
    for (const topic of ['amcp.domain.a', 'amcp.domain.b', 'amcp.domain.a.b.c']) {
      expect(() => security.checkPublish(topic)).toThrow(
        expect.objectContaining({ code: 'ERR_TOPIC_FORBIDDEN', details: { topic } }),
      )
    }
  })

  test('TP-2 takes no wildcard for the right to a reserved namespace', () => {
    for (const patterns of [['amcp.>'], ['amcp.*.stop'], ['>', 'amcp.domain.>']]) {
      expect(() => setUp(patterns).security.checkPublish('amcp.control.stop')).toThrow(
        expect.objectContaining({ code: 'ERR_TOPIC_RESERVED', details: { topic: 'amcp.control.stop' } }),
      )
    }
    setUp(['amcp.control.>']).security.checkPublish('amcp.control.stop')
    expect(() => setUp(['amcp.control.>']).security.checkPublish('amcp.mobility.moved')).toThrow('only the mesh')
  })

  test('remembers its verdicts on as many topics as it likes', () => {
    const { security } = setUp(['amcp.domain.a.*'])
    for (let at = 0; at < 20_000; at++) security.checkPublish(`amcp.domain.a.t${at}`)
    expect(() => security.checkPublish('amcp.domain.b')).toThrow('does not cover')
  })

  test('keeps the tokens of those that are at work, however many others it is made to answer as', () => {
    const { security, counters } = setUp(undefined, 3)
    const idle = mintAgentId(crypto, key.publicKey, 'test', 'idle')
    security.tokenOf(idle)
    for (let at = 0; at < 10; at += 1) {
      security.tokenOf(agent)
      security.tokenOf(mintAgentId(crypto, key.publicKey, 'test', `none ${at}`))
    }
    expect(counters.get('security.tokens-issued')).toBe(12)
    security.tokenOf(idle)
    expect(counters.get('security.tokens-issued')).toBe(13)
    security.tokenOf(agent)
    for (let at = 0; at < 2; at += 1) security.tokenOf(mintAgentId(crypto, key.publicKey, 'test', `late ${at}`))
    security.forget(agent)
    security.tokenOf(agent)
    expect(counters.get('security.tokens-issued')).toBe(16)
  })

  test('forgets an agent', () => {
    const { security, counters } = setUp()
    security.tokenOf(agent)
    security.forget(agent)
    security.tokenOf(agent)
    expect(counters.get('security.tokens-issued')).toBe(2)
  })
})

describe('custody records', () => {
  const record: CustodyRecord = {
    agent,
    epoch: 1,
    previous: 'cd'.repeat(32),
    kind: 'move',
    holder: contextIdOf(other.publicKey),
    handover: 'handover-1',
    cut: { 'stream-1': 17 },
  }

  test('carry what they say and who signed', () => {
    const verified = verifyCustodyRecord(crypto, signCustodyRecord([key, other], record))
    expect(verified.record).toEqual(record)
    expect(verified.signers).toEqual([context, contextIdOf(other.publicKey)])
    expect(verified.digest).toMatch(/^[0-9a-f]{64}$/)
  })

  test('have one digest, whoever signed, and may have an open cut', () => {
    const open = { ...record, cut: undefined }
    const one = verifyCustodyRecord(crypto, signCustodyRecord([key], open))
    const two = verifyCustodyRecord(crypto, signCustodyRecord([other], open))
    expect(one.record).toEqual(open)
    expect(one.digest).toBe(two.digest)
  })

  const change = (
    edit: (envelope: { payload: unknown; signatures: Record<string, unknown>[] }) => unknown,
  ): Uint8Array => {
    const envelope = JSON.parse(textOf(signCustodyRecord([key], record)))
    return bytesOf(JSON.stringify(edit(envelope) ?? envelope))
  }

  const replaceIn =
    (name: string, value: unknown) =>
    ({ payload, signatures }: { payload: unknown; signatures: Record<string, unknown>[] }): unknown => ({
      payload,
      signatures: [{ ...signatures[0], [name]: value }],
    })

  test.each([
    ['no JSON', () => bytesOf('{')],
    ['no object', () => bytesOf('[]')],
    ['no signatures', () => change((envelope) => ({ payload: envelope.payload }))],
    ['a signature that is no object', () => change((envelope) => ({ ...envelope, signatures: [7] }))],
    ['nobody who signed', () => change((envelope) => ({ ...envelope, signatures: [] }))],
    [
      'one signer twice',
      () => change(({ payload, signatures }) => ({ payload, signatures: [signatures[0], signatures[0]] })),
    ],
    ['another signer', () => change(replaceIn('header', { kid: contextIdOf(other.publicKey) }))],
    ['a signer that is no context', () => change(replaceIn('header', { kid: 'nobody' }))],
    ['another header', () => change(replaceIn('protected', 'e30'))],
    ['an unknown kind', () => signCustodyRecord([key], { ...record, kind: 'steal' as 'move' })],
    ['a cut that is no record', () => signCustodyRecord([key], { ...record, cut: { a: -1 } })],
  ])('with %s are refused', (_, make) => {
    expect(() => verifyCustodyRecord(crypto, make())).toThrow(refused)
  })
})

describe('caller links', () => {
  const link = {
    callerToken: 'ab'.repeat(16),
    callee: agent,
    capability: 'order.pay',
    parent: undefined,
    expiresAt: 1_790_000_000,
  }

  test('carry what they say', () => {
    expect(verifyCallerLink(crypto, key.publicKey, issueCallerLink(key, link))).toEqual(link)
    const second = { ...link, parent: 'cd'.repeat(16) }
    expect(verifyCallerLink(crypto, key.publicKey, issueCallerLink(key, second))).toEqual(second)
  })

  test('of another key are refused', () => {
    expect(() => verifyCallerLink(crypto, other.publicKey, issueCallerLink(key, link))).toThrow(refused)
  })
})

test('a credential is named by the first 16 bytes of its SHA-256', () => {
  const { hash, bytes } = credentialOf(crypto, bytesOf('abc'))
  expect(Buffer.from(hash).toString('hex')).toBe('ba7816bf8f01cfea414140de5dae2223')
  expect(textOf(bytes)).toBe('abc')
})
