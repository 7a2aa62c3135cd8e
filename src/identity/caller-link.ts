import type { Crypto, SigningKey } from '../core/crypto.ts'
import type { AgentId } from '../core/ids.ts'
import { bytesOf, claim, isCount, isText, signStatement, textOf, verifyStatement } from './statement.ts'

const TYPE = 'amcp-caller+jwt'

/** One link of the chain of callers: who may be called on whose behalf. Calls name it by hash. */
export interface CallerLink {
  /** Hash of the caller's token, 32 hexadecimal digits. */
  readonly callerToken: string
  readonly callee: AgentId
  readonly capability: string
  /** Hash of the link before, 32 hexadecimal digits; absent for the first caller. */
  readonly parent: string | undefined
  /** Seconds since 1970, at most 60 s ahead. */
  readonly expiresAt: number
}

export function issueCallerLink(
  key: SigningKey,
  { callerToken, callee, capability, parent, expiresAt }: CallerLink,
): Uint8Array {
  const claims = { tok: callerToken, sub: callee, cap: capability, exp: expiresAt }
  return bytesOf(signStatement(key, TYPE, parent === undefined ? claims : { ...claims, par: parent }))
}

/** @param key of the caller's context. ERR_CREDENTIAL_INVALID. */
export function verifyCallerLink(crypto: Crypto, key: Uint8Array, bytes: Uint8Array): CallerLink {
  const claims = verifyStatement(crypto, key, textOf(bytes), TYPE)
  return {
    callerToken: claim(claims, 'tok', isText),
    callee: claim(claims, 'sub', isText),
    capability: claim(claims, 'cap', isText),
    parent: claims['par'] === undefined ? undefined : claim(claims, 'par', isText),
    expiresAt: claim(claims, 'exp', isCount),
  }
}
