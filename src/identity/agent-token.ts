import type { Crypto, SigningKey } from '../core/crypto.ts'
import { AmcpError } from '../core/errors.ts'
import type { AgentId, ContextId } from '../core/ids.ts'
import {
  bytesOf,
  claim,
  isCount,
  isPatterns,
  isText,
  isTexts,
  signStatement,
  textOf,
  verifyStatement,
} from './statement.ts'

const TYPE = 'amcp-agent+jwt'
export const TOKEN_SECONDS = 300

/** What an agent may do, said by the context that holds it. */
export interface AgentToken {
  readonly agent: AgentId
  readonly mesh: string
  readonly roles: readonly string[]
  /** Topic patterns that the agent may publish to. */
  readonly publish: readonly string[]
  /** How often its custody has changed. */
  readonly epoch: number
  /** Head of its custody chain; absent for an agent at its origin since birth. */
  readonly custody: string | undefined
  /** Seconds since 1970. */
  readonly expiresAt: number
}

/** A JWT with short claims, since it travels once for each agent, receiver and five minutes. */
export function issueAgentToken(key: SigningKey, context: ContextId, token: AgentToken): Uint8Array {
  const { agent, mesh, roles, publish, epoch, custody, expiresAt } = token
  return bytesOf(
    signStatement(key, TYPE, {
      iss: context,
      sub: agent,
      aud: mesh,
      exp: expiresAt,
      rol: roles,
      pub: publish,
      ...(epoch === 0 ? {} : { epo: epoch }),
      ...(custody === undefined ? {} : { cus: custody }),
    }),
  )
}

/** The token, if `context` with this key issued it for the mesh. Its expiry is the caller's to judge. ERR_CREDENTIAL_INVALID, ERR_WRONG_MESH. */
export function verifyAgentToken(
  crypto: Crypto,
  { context, key, mesh }: { context: ContextId; key: Uint8Array; mesh: string },
  bytes: Uint8Array,
): AgentToken {
  const claims = verifyStatement(crypto, key, textOf(bytes), TYPE)
  const issuer = claim(claims, 'iss', isText)
  if (issuer !== context) {
    throw new AmcpError('ERR_CREDENTIAL_INVALID', `a token of ${issuer} is shown by ${context}`, {
      details: { reason: 'foreign issuer', context },
    })
  }
  const audience = claim(claims, 'aud', isText)
  if (audience !== mesh) {
    throw new AmcpError('ERR_WRONG_MESH', `a token for the mesh ${audience} is shown in ${mesh}`, {
      details: { mesh: audience },
    })
  }
  return {
    agent: claim(claims, 'sub', isText),
    mesh,
    roles: claim(claims, 'rol', isTexts),
    publish: claim(claims, 'pub', isPatterns),
    epoch: claims['epo'] === undefined ? 0 : claim(claims, 'epo', isCount),
    custody: claims['cus'] === undefined ? undefined : claim(claims, 'cus', isText),
    expiresAt: claim(claims, 'exp', isCount),
  }
}
