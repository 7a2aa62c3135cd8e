import type { SigningKey } from '../../core/crypto.ts'
import { type AgentId, type ContextId, publicKeyOf } from '../../core/ids.ts'
import { LruCache } from '../../core/lru-cache.ts'
import type { Ports } from '../../core/ports.ts'
import { equalBytes } from '../../events/frame/bytes.ts'
import { parseSource } from '../../events/source.ts'
import { isMintedBy } from '../../identity/agent-id.ts'
import { verifyAgentToken } from '../../identity/agent-token.ts'
import { type Credential, credentialOf, hashKey } from '../../identity/credential.ts'
import { publicKeyOfDid } from '../../identity/did-key.ts'
import { verifyMembership } from '../../identity/membership-credential.ts'
import { publishRights } from '../../identity/publish-rights.ts'

/** What a verified membership or token says, as far as frames are judged by it. */
export interface CredentialClaims {
  readonly kind: 'membership' | 'token'
  /** Wall time, ms. */
  readonly expires: number
  /** Of a token: whose it is. */
  readonly agent: AgentId | undefined
  /** Of custody: 0 until the agent moves. */
  readonly epoch: number
  /** Whether its patterns allow publishing to the concrete topic. */
  mayPublish(topic: string): boolean
}

/** What the lanes need of this context's identity and of the mesh's credentials. Everything here is synchronous. */
export interface FrameSecurity {
  /** First 16 bytes of the SHA-256 of the mesh's id. */
  readonly meshHash: Uint8Array
  readonly mesh: string
  readonly signingKey: SigningKey
  /** This context's own membership: the same object for the context's whole life. */
  readonly membership: Credential
  /**
   * The present token of the local agent with this `source`, the same object until it is renewed; issued at first use.
   * Undefined when the source is no agent of this context.
   */
  tokenOf(source: string): Credential | undefined
  /** The bytes of a membership or token of this context that is still in use; undefined for any other hash. */
  issued(hash: Uint8Array): Uint8Array | undefined
  /** Whether the bytes claim to be a token; nothing is verified. */
  isToken(credential: Uint8Array): boolean
  /** Verifies a membership or token of `context`. Throws an AmcpError when it is worth nothing there. */
  read(context: ContextId, credential: Uint8Array): CredentialClaims
  /** Whether the agent's id can only have been made by this context. */
  isMintedBy(agent: AgentId, context: ContextId): boolean
}

/** Who a context is, as far as frames show it; what `identity/` makes fits. */
export interface FrameIdentity {
  readonly id: ContextId
  readonly key: SigningKey
  /** `root` is the did:key of the organisation root. */
  readonly mesh: { readonly mesh: string; readonly root: string }
  /** The membership credential. */
  readonly membership: Uint8Array
}

export interface FrameSecurityComponents {
  readonly ports: Ports
  readonly identity: FrameIdentity
  /** Issues the tokens of this context's agents: the SecurityManager. */
  readonly tokens: { tokenOf(agent: AgentId): Credential }
}

/** Tokens and memberships are told apart by the type in their first bytes, before anything is verified. */
const TOKEN_TYPE = 'amcp-agent+jwt'

/** Frames judged by the real credentials of `identity/`. */
export function frameSecurity({ ports, identity, tokens }: FrameSecurityComponents): FrameSecurity {
  const { crypto, clock } = ports
  const trust = { mesh: identity.mesh.mesh, root: publicKeyOfDid(identity.mesh.root) }
  const { mesh } = trust
  const agents = new Map<string, AgentId>()
  /** Tokens given out, by hash: whoever lacks one asks for it by that. */
  const issued = new LruCache<string, Uint8Array>(MAX_ISSUED)
  const membership = credentialOf(crypto, identity.membership)
  let latest: Credential | undefined

  const agentOf = (source: string): AgentId | undefined => {
    const known = agents.get(source)
    if (known !== undefined) return known
    const parsed = parseSource(source)
    // A token for an agent of others would have every receiver refuse the frame.
    if (parsed?.context !== identity.id || !isMintedBy(crypto, parsed.agent, identity.key.publicKey)) return undefined
    if (agents.size >= MAX_SOURCES) agents.clear()
    agents.set(source, parsed.agent)
    return parsed.agent
  }

  return {
    mesh,
    meshHash: credentialOf(crypto, new TextEncoder().encode(mesh)).hash,
    signingKey: identity.key,
    membership,
    tokenOf(source) {
      const agent = agentOf(source)
      if (agent === undefined) return undefined
      const token = tokens.tokenOf(agent)
      if (token !== latest) {
        issued.set(hashKey(token.hash), token.bytes)
        latest = token
      }
      return token
    },
    issued: (hash) => (equalBytes(hash, membership.hash) ? membership.bytes : issued.get(hashKey(hash))),
    isToken: (bytes) => typeOf(bytes) === TOKEN_TYPE,
    read(context, bytes) {
      if (typeOf(bytes) === TOKEN_TYPE) {
        const token = verifyAgentToken(crypto, { context, key: publicKeyOf(context), mesh }, bytes)
        const { agent, epoch, publish, expiresAt } = token
        return { kind: 'token', agent, epoch, expires: expiresAt * 1_000, mayPublish: publishRights(publish) }
      }
      const { publish, expiresAt } = verifyMembership(crypto, trust, context, bytes, clock.now())
      const expires = expiresAt * 1_000
      return { kind: 'membership', agent: undefined, epoch: 0, expires, mayPublish: publishRights(publish) }
    },
    isMintedBy: (agent, context) => isMintedBy(crypto, agent, publicKeyOf(context)),
  }
}

const MAX_SOURCES = 65_536
const MAX_ISSUED = 65_536
const decoder = new TextDecoder()

/** The `typ` that a compact JWS claims; undefined for anything else. */
function typeOf(bytes: Uint8Array): unknown {
  const end = bytes.indexOf(0x2e)
  try {
    const header = decoder
      .decode(bytes.subarray(0, Math.max(0, end)))
      .replaceAll('-', '+')
      .replaceAll('_', '/')
    return (JSON.parse(atob(header)) as { typ?: unknown } | null)?.typ
  } catch {
    return undefined
  }
}
