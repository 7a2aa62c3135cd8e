import { toString as encodeBytes } from 'uint8arrays/to-string'
import type { Crypto, SigningKey } from '../core/crypto.ts'
import { AmcpError } from '../core/errors.ts'
import { type AgentId, type ContextId, contextIdOf, publicKeyOf } from '../core/ids.ts'
import {
  bytesOf,
  type Claims,
  claim,
  decode,
  isCount,
  isText,
  isTexts,
  MAX_STATEMENT_LENGTH,
  protectedHeader,
  readClaims,
  textOf,
} from './statement.ts'

const TYPE = 'amcp-custody+jws'
const kinds = ['move', 'resume', 'promote', 'adopt'] as const
const isKind = (value: unknown): value is CustodyRecord['kind'] => kinds.includes(value as CustodyRecord['kind'])
const isDigest = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
const isRecord = (value: unknown): value is Readonly<Record<string, number>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isCount)

const modes = ['safe', 'manual', 'available'] as const
const isMode = (value: unknown): value is Succession['mode'] => modes.includes(value as Succession['mode'])

/** Who may promote another holder, and when: fixed with each change of custody, so that no holder can widen it later. */
export interface Succession {
  readonly mode: 'safe' | 'manual' | 'available'
  readonly voters: readonly ContextId[]
  /** How many voters a promotion needs. */
  readonly need: number
  /** How long the holder may act without renewal, ms. */
  readonly lease: number
  /** By how much clocks may differ for the fence to hold, ms. */
  readonly tolerance: number
}

/** Who holds an agent from an epoch on. @see PROTOCOL.md, custody */
export interface CustodyRecord {
  readonly agent: AgentId
  readonly epoch: number
  /** Digest of the record before; at first SHA-256 of the birth certificate's bytes. 64 hexadecimal digits. */
  readonly previous: string
  readonly kind: 'move' | 'resume' | 'promote' | 'adopt'
  readonly holder: ContextId
  readonly handover: string
  /** Last sequence of the old epoch by stream; absent where the cut is open. */
  readonly cut: Readonly<Record<string, number>> | undefined
  /** Absent where nobody but the holder, or the root by adoption, can move the agent. */
  readonly succession?: Succession | undefined
}

/** A general JWS, because several may have to sign: the holder before, voters, the root. @see RFC 7515, 7.2.1 */
export function signCustodyRecord(keys: readonly SigningKey[], record: CustodyRecord): Uint8Array {
  const { agent, epoch, previous, kind, holder, handover, cut, succession } = record
  const claims: Claims = {
    sub: agent,
    epo: epoch,
    pre: previous,
    kin: kind,
    hol: holder,
    hov: handover,
    ...(cut === undefined ? {} : { cut }),
    ...(succession === undefined ? {} : { suc: successionClaims(succession) }),
  }
  const payload = encodeBytes(bytesOf(JSON.stringify(claims)), 'base64url')
  const header = protectedHeader(TYPE)
  const signatures = keys.map((key) => ({
    header: { kid: contextIdOf(key.publicKey) },
    protected: header,
    signature: encodeBytes(key.sign(bytesOf(`${header}.${payload}`)), 'base64url'),
  }))
  return bytesOf(JSON.stringify({ payload, signatures }))
}

export interface VerifiedCustody {
  readonly record: CustodyRecord
  /** Digest that the next record names. */
  readonly digest: string
  readonly signers: readonly ContextId[]
}

/** The record with those whose signatures hold; a single false one refuses it. Whether they may sign is the caller's to judge. */
export function verifyCustodyRecord(crypto: Crypto, bytes: Uint8Array): VerifiedCustody {
  const { payload, signatures } = readEnvelope(bytes)
  const signers = signatures.map((one) => {
    const signer = claim(claim(one, 'header', isObject), 'kid', isText)
    const signed = bytesOf(`${protectedHeader(TYPE)}.${payload}`)
    const isHeader = one['protected'] === protectedHeader(TYPE)
    const signature = decode(claim(one, 'signature', isText))
    if (!isHeader || !crypto.verify(keyOf(signer), signed, signature)) throw invalid(`is not signed by ${signer}`)
    return signer
  })
  if (signers.length === 0 || new Set(signers).size !== signers.length) throw invalid('has no signer, or one twice')
  const claims = readClaims(payload)
  return {
    record: {
      agent: claim(claims, 'sub', isText),
      epoch: claim(claims, 'epo', isCount),
      previous: claim(claims, 'pre', isDigest),
      kind: claim(claims, 'kin', isKind),
      holder: claim(claims, 'hol', isText),
      handover: claim(claims, 'hov', isText),
      cut: claims['cut'] === undefined ? undefined : claim(claims, 'cut', isRecord),
      ...(claims['suc'] === undefined ? {} : { succession: readSuccession(claim(claims, 'suc', isObject)) }),
    },
    digest: encodeBytes(crypto.sha256(bytesOf(payload)), 'hex'),
    signers,
  }
}

const isObject = (value: unknown): value is Claims =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const successionClaims = ({ mode, voters, need, lease, tolerance }: Succession): Claims => {
  return { mod: mode, vot: voters, nee: need, lea: lease, tol: tolerance }
}

function readSuccession(claims: Claims): Succession {
  const succession = {
    mode: claim(claims, 'mod', isMode),
    voters: claim(claims, 'vot', isTexts),
    need: claim(claims, 'nee', isCount),
    lease: claim(claims, 'lea', isCount),
    tolerance: claim(claims, 'tol', isCount),
  }
  const { voters, need } = succession
  if (new Set(voters).size !== voters.length || need < 1 || need > voters.length)
    throw invalid('has a wrong succession')
  return succession
}

function readEnvelope(bytes: Uint8Array): { payload: string; signatures: readonly Claims[] } {
  if (bytes.length > MAX_STATEMENT_LENGTH) throw invalid(`has ${bytes.length} bytes`)
  let parsed: unknown
  try {
    parsed = JSON.parse(textOf(bytes))
  } catch (cause) {
    throw invalid('is no JSON', cause)
  }
  if (!isObject(parsed)) throw invalid('is no JSON object')
  const signatures = parsed['signatures']
  if (!Array.isArray(signatures) || !signatures.every(isObject)) throw invalid('has no signatures')
  return { payload: claim(parsed, 'payload', isText), signatures }
}

function keyOf(signer: ContextId): Uint8Array {
  try {
    return publicKeyOf(signer)
  } catch (cause) {
    throw invalid('names a signer that is no context', cause)
  }
}

const invalid = (reason: string, cause?: unknown): AmcpError =>
  new AmcpError('ERR_CREDENTIAL_INVALID', `a custody record ${reason}`, { cause, details: { reason } })
