import { describe, expect, test } from 'vitest'
import { contextIdOf } from '../../../src/core/ids.ts'
import { nodeCrypto } from '../../../src/core/node-crypto.ts'
import {
  fullGrant,
  issueDelegate,
  issueMembership,
  type Membership,
  verifyMembership,
} from '../../../src/identity/membership-credential.ts'
import { bytesOf, signStatement, textOf } from '../../../src/identity/statement.ts'

const crypto = nodeCrypto()
const root = crypto.signingKey(new Uint8Array(32).fill(1))
const delegate = crypto.signingKey(new Uint8Array(32).fill(2))
const member = contextIdOf(crypto.signingKey(new Uint8Array(32).fill(3)).publicKey)
const mesh = '0'.repeat(32)
const trust = { mesh, root: root.publicKey }
const issuedAt = 1_790_000_000
const now = (issuedAt + 60) * 1_000
const membership: Membership = { ...fullGrant, mesh, context: member, issuedAt, expiresAt: issuedAt + 3_600 }
const code = (name: string) => expect.objectContaining({ code: name })

describe('a membership', () => {
  test('signed by the root admits its context', () => {
    expect(verifyMembership(crypto, trust, member, issueMembership(root, membership), now)).toEqual(membership)
  })

  test('signed by a delegate of the root admits its context', () => {
    const delegation = issueDelegate(root, mesh, delegate.publicKey, issuedAt, issuedAt + 3_600)
    expect(verifyMembership(crypto, trust, member, issueMembership(delegate, membership, delegation), now)).toEqual(
      membership,
    )
  })

  test.each([
    ['nothing', () => new Uint8Array(0)],
    ['a delegate without the root’s word', () => issueMembership(delegate, membership)],
    [
      'a delegate of somebody else',
      () =>
        issueMembership(
          delegate,
          membership,
          issueDelegate(delegate, mesh, delegate.publicKey, issuedAt, issuedAt + 9_999),
        ),
    ],
    ['a chain of two delegates', () => bytesOf(`${textOf(issueMembership(delegate, membership, 'a'))}~b`)],
    [
      'a delegation to something that is no key',
      () => {
        const delegation = signStatement(root, 'amcp-delegate+jwt', {
          sub: 'nobody',
          aud: mesh,
          iat: issuedAt,
          exp: issuedAt + 60_000,
        })
        return issueMembership(delegate, membership, delegation)
      },
    ],
    ['a topic that is no pattern', () => issueMembership(root, { ...membership, publish: ['a..b'] })],
    ['no roles', () => issueMembership(root, { ...membership, roles: undefined as unknown as string[] })],
    ['another context', () => issueMembership(root, { ...membership, context: contextIdOf(root.publicKey) })],
  ])('of %s admits nobody', (_, make) => {
    expect(() => verifyMembership(crypto, trust, member, make(), now)).toThrow(code('ERR_NOT_A_MEMBER'))
  })

  test('of another mesh is refused by name', () => {
    const other = issueMembership(root, { ...membership, mesh: '1'.repeat(32) })
    expect(() => verifyMembership(crypto, trust, member, other, now)).toThrow(code('ERR_WRONG_MESH'))
  })

  test('that expired is refused from its last second on', () => {
    const bytes = issueMembership(root, membership)
    expect(() => verifyMembership(crypto, trust, member, bytes, membership.expiresAt * 1_000 - 1)).not.toThrow()
    expect(() => verifyMembership(crypto, trust, member, bytes, membership.expiresAt * 1_000)).toThrow(
      code('ERR_MEMBERSHIP_EXPIRED'),
    )
  })

  test('for more than 48 h is refused, whoever signed it', () => {
    const lasting = (seconds: number) => issueMembership(root, { ...membership, expiresAt: issuedAt + seconds })
    expect(() => verifyMembership(crypto, trust, member, lasting(172_800), now)).not.toThrow()
    expect(() => verifyMembership(crypto, trust, member, lasting(172_801), now)).toThrow(code('ERR_NOT_A_MEMBER'))
  })

  test('from the future is a clock that is off', () => {
    const bytes = issueMembership(root, membership)
    expect(() => verifyMembership(crypto, trust, member, bytes, (issuedAt - 30) * 1_000)).not.toThrow()
    expect(() => verifyMembership(crypto, trust, member, bytes, (issuedAt - 31) * 1_000)).toThrow(
      code('ERR_CLOCK_SKEW'),
    )
  })

  test('of a delegate whose own time is over is refused', () => {
    const delegation = issueDelegate(root, mesh, delegate.publicKey, issuedAt, issuedAt + 10)
    expect(() =>
      verifyMembership(crypto, trust, member, issueMembership(delegate, membership, delegation), now),
    ).toThrow(code('ERR_MEMBERSHIP_EXPIRED'))
  })
})
