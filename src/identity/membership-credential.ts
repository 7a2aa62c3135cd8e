import { CLOCK_AHEAD } from '../core/clock-tolerance.ts'
import type { Crypto, SigningKey } from '../core/crypto.ts'
import { AmcpError } from '../core/errors.ts'
import { type ContextId, contextIdOf, publicKeyOf } from '../core/ids.ts'
import { parsePattern } from '../events/pattern.ts'
import {
  bytesOf,
  type Claims,
  claim,
  isCount,
  isPatterns,
  isText,
  isTexts,
  MAX_PATTERNS,
  signStatement,
  textOf,
  verifyStatement,
} from './statement.ts'

const MEMBERSHIP = 'amcp-membership+jwt'
const DELEGATE = 'amcp-delegate+jwt'
/** A membership signed by a delegate brings the root's word for the delegate along. */
const CHAIN_SEPARATOR = '~'
/** How long a membership lasts unless its issuer says otherwise, seconds. */
export const MEMBERSHIP_SECONDS: number = 48 * 3_600

/** What a context is allowed in a mesh. */
export interface Membership {
  readonly mesh: string
  readonly context: ContextId
  /** Roles that its agents may have. */
  readonly roles: readonly string[]
  /** Topic patterns that its agents may publish to and listen to. */
  readonly publish: readonly string[]
  readonly subscribe: readonly string[]
  /** Seconds since 1970. */
  readonly issuedAt: number
  readonly expiresAt: number
}

/** Everything that ordinary agents may touch. */
export const fullGrant: Pick<Membership, 'roles' | 'publish' | 'subscribe'> = {
  roles: ['agent'],
  publish: ['amcp.>'],
  subscribe: ['amcp.>'],
}

/** The root's word that another key may sign memberships. */
export function issueDelegate(
  root: SigningKey,
  mesh: string,
  delegate: Uint8Array,
  issuedAt: number,
  expiresAt: number,
): string {
  return signStatement(root, DELEGATE, { sub: contextIdOf(delegate), aud: mesh, iat: issuedAt, exp: expiresAt })
}

/** @param delegation what `issueDelegate` gave, when `signer` is not the root */
export function issueMembership(signer: SigningKey, membership: Membership, delegation?: string): Uint8Array {
  const { mesh, context, roles, publish, subscribe, issuedAt, expiresAt } = membership
  if (publish.length > MAX_PATTERNS || subscribe.length > MAX_PATTERNS)
    throw new RangeError(`a membership has at most ${MAX_PATTERNS} patterns for publishing and as many for listening`)
  const text = signStatement(signer, MEMBERSHIP, {
    iss: contextIdOf(signer.publicKey),
    sub: context,
    aud: mesh,
    iat: issuedAt,
    exp: expiresAt,
    rol: roles,
    pub: publish,
    lis: subscribe,
  })
  return bytesOf(delegation === undefined ? text : `${text}${CHAIN_SEPARATOR}${delegation}`)
}

export interface MeshTrust {
  readonly mesh: string
  /** The organisation root's public key, 32 bytes. */
  readonly root: Uint8Array
}

/**
 * The membership in `bytes`, if it admits `context` to the mesh at wall time `now` (ms).
 * ERR_NOT_A_MEMBER (empty, malformed, wrongly signed, of another context, for more than 48 h), ERR_WRONG_MESH, ERR_MEMBERSHIP_EXPIRED,
 * ERR_CLOCK_SKEW (issued in the future).
 */
export function verifyMembership(
  crypto: Crypto,
  trust: MeshTrust,
  context: ContextId,
  bytes: Uint8Array,
  now: number,
): Membership {
  const membership = readMembership(crypto, trust, context, bytes, now)
  if (membership.context !== context) throw notAMember(context, `the membership names ${membership.context}`)
  return membership
}

function readMembership(
  crypto: Crypto,
  trust: MeshTrust,
  context: ContextId,
  bytes: Uint8Array,
  now: number,
): Membership {
  try {
    const [text = '', delegation, ...more] = textOf(bytes).split(CHAIN_SEPARATOR)
    if (more.length > 0) throw notAMember(context, 'its chain of delegates is too long')
    const signer = delegation === undefined ? trust.root : delegateKey(crypto, trust, context, delegation, now)
    const claims = verifyStatement(crypto, signer, text, MEMBERSHIP)
    checkTimeAndMesh(trust, context, claims, now)
    const [issuedAt, expiresAt] = [claim(claims, 'iat', isCount), claim(claims, 'exp', isCount)]
    // Nothing is revoked before it expires, so nobody's word makes it later.
    if (expiresAt - issuedAt > MEMBERSHIP_SECONDS) throw notAMember(context, 'it was issued for more than 48 h')
    return {
      mesh: trust.mesh,
      context: claim(claims, 'sub', isText),
      roles: claim(claims, 'rol', isTexts),
      publish: claim(claims, 'pub', isPatterns).map(parsePattern),
      subscribe: claim(claims, 'lis', isPatterns).map(parsePattern),
      issuedAt,
      expiresAt,
    }
  } catch (error) {
    if (error instanceof AmcpError && !isDetail(error)) throw error
    throw notAMember(context, (error as Error).message, error)
  }
}

/** Faults of form, which all mean the same to somebody at the door. */
const isDetail = ({ code }: AmcpError): boolean => code === 'ERR_CREDENTIAL_INVALID' || code === 'ERR_TOPIC_INVALID'

function delegateKey(
  crypto: Crypto,
  trust: MeshTrust,
  context: ContextId,
  delegation: string,
  now: number,
): Uint8Array {
  const claims = verifyStatement(crypto, trust.root, delegation, DELEGATE)
  checkTimeAndMesh(trust, context, claims, now)
  return publicKeyOf(claim(claims, 'sub', isText))
}

function checkTimeAndMesh(trust: MeshTrust, context: ContextId, claims: Claims, now: number): void {
  const mesh = claim(claims, 'aud', isText)
  if (mesh !== trust.mesh) {
    throw new AmcpError('ERR_WRONG_MESH', `${context} shows a membership of the mesh ${mesh}, this is ${trust.mesh}`, {
      details: { context, mesh },
    })
  }
  const issuedAt = claim(claims, 'iat', isCount)
  const expiresAt = claim(claims, 'exp', isCount)
  const seconds = now / 1_000
  if (issuedAt > seconds + CLOCK_AHEAD / 1_000) {
    throw new AmcpError(
      'ERR_CLOCK_SKEW',
      `the membership of ${context} was issued ${Math.round(issuedAt - seconds)} s in the future`,
      {
        details: { context, seconds: Math.round(issuedAt - seconds) },
      },
    )
  }
  if (expiresAt <= seconds) {
    throw new AmcpError(
      'ERR_MEMBERSHIP_EXPIRED',
      `the membership of ${context} expired ${Math.round(seconds - expiresAt)} s ago`,
      {
        details: { context, expiresAt },
      },
    )
  }
}

const notAMember = (context: ContextId, reason: string, cause?: unknown): AmcpError =>
  new AmcpError('ERR_NOT_A_MEMBER', `${context} shows no valid membership: ${reason}`, { cause, details: { context } })
