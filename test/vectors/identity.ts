import { writeFileSync } from 'node:fs'
import { contextIdOf } from '../../src/core/ids.ts'
import { nodeCrypto } from '../../src/core/node-crypto.ts'
import { mintAgentId, originOf } from '../../src/identity/agent-id.ts'
import { issueAgentToken } from '../../src/identity/agent-token.ts'
import { issueBirthCertificate } from '../../src/identity/birth-certificate.ts'
import { issueCallerLink } from '../../src/identity/caller-link.ts'
import { credentialOf } from '../../src/identity/credential.ts'
import { type CustodyRecord, signCustodyRecord, verifyCustodyRecord } from '../../src/identity/custody-record.ts'
import { didKeyOf } from '../../src/identity/did-key.ts'
import { issueDelegate, issueMembership, type Membership } from '../../src/identity/membership-credential.ts'
import { describeMesh, type MeshDescription } from '../../src/identity/mesh-description.ts'
import { bytesOf, textOf } from '../../src/identity/statement.ts'
import { countingBytes } from '../../src/testing/sample-frames.ts'

/** Writes `identity.json`: `node test/vectors/identity.ts`. A change of its bytes is a change of the protocol. */
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

export interface CredentialVector<T> {
  readonly content: T
  /** The credential as text: a compact JWS, or a general one for a custody record. */
  readonly credential: string
  /** What frames call it by. */
  readonly hash: string
}

export interface KeyVector {
  readonly seed: string
  readonly publicKey: string
  readonly context: string
  readonly didKey: string
}

export interface IdentityVectors {
  readonly keys: Readonly<Record<'root' | 'delegate' | 'origin' | 'host', KeyVector>>
  readonly mesh: MeshDescription
  readonly agentIds: readonly {
    readonly type: string
    readonly name?: string
    readonly nonce?: string
    readonly id: string
    readonly origin: string
  }[]
  readonly membership: CredentialVector<Membership>
  readonly delegatedMembership: CredentialVector<Membership>
  readonly birthCertificate: CredentialVector<Parameters<typeof issueBirthCertificate>[1]>
  readonly tokenAtOrigin: CredentialVector<Parameters<typeof issueAgentToken>[2]>
  readonly tokenAway: CredentialVector<Parameters<typeof issueAgentToken>[2]>
  readonly custodyMove: CredentialVector<CustodyRecord> & { readonly digest: string }
  readonly custodyAdopt: CredentialVector<CustodyRecord> & { readonly digest: string }
  readonly firstCall: CredentialVector<Parameters<typeof issueCallerLink>[1]>
  readonly nestedCall: CredentialVector<Parameters<typeof issueCallerLink>[1]>
}

/** Seconds: 14 November 2023. */
const NOW = 1_700_000_000

export function identityVectors(): IdentityVectors {
  const crypto = nodeCrypto()
  const keyOf = (first: number) => crypto.signingKey(countingBytes(32, first))
  const [root, delegate, origin, host] = [keyOf(0), keyOf(32), keyOf(64), keyOf(96)] as const
  const keyVector = (first: number): KeyVector => {
    const { publicKey } = keyOf(first)
    const seed = hex(countingBytes(32, first))
    return { seed, publicKey: hex(publicKey), context: contextIdOf(publicKey), didKey: didKeyOf(publicKey) }
  }
  const credential = <T>(content: T, bytes: Uint8Array): CredentialVector<T> => {
    return { content, credential: textOf(bytes), hash: hex(credentialOf(crypto, bytes).hash) }
  }

  const mesh = describeMesh(crypto, root.publicKey, 'factory', ['/ip4/192.0.2.1/tcp/4001'])
  const nonce = countingBytes(16, 200)
  const idOf = (type: string, name: string | Uint8Array) => mintAgentId(crypto, origin.publicKey, type, name)
  const agent = idOf('analyzer', 'line-1')
  const named = (type: string, name: string) => ({ type, name, id: idOf(type, name), origin: originOf(idOf(type, name)) })
  const unnamed = idOf('analyzer', nonce)

  const membership: Membership = {
    mesh: mesh.mesh,
    context: contextIdOf(origin.publicKey),
    roles: ['agent', 'operator'],
    publish: ['amcp.domain.telemetry.>', 'amcp.agent.*'],
    subscribe: ['amcp.>'],
    issuedAt: NOW,
    expiresAt: NOW + 172_800,
  }
  const delegation = issueDelegate(root, mesh.mesh, delegate.publicKey, NOW - 60, NOW + 7_776_000)
  const delegated = { ...membership, context: contextIdOf(host.publicKey) }

  const birth = { agent, type: 'analyzer', name: 'line-1', roles: ['agent'] }
  const birthText = issueBirthCertificate(origin, birth)
  const token = {
    agent,
    mesh: mesh.mesh,
    roles: ['agent'],
    publish: ['amcp.domain.telemetry.>'],
    epoch: 0,
    custody: undefined,
    expiresAt: NOW + 300,
  }

  const custody = (keys: Parameters<typeof signCustodyRecord>[0], record: CustodyRecord) => {
    const bytes = signCustodyRecord(keys, record)
    return { ...credential(record, bytes), digest: verifyCustodyRecord(crypto, bytes).digest }
  }
  const move = custody([origin], {
    agent,
    epoch: 1,
    previous: hex(crypto.sha256(bytesOf(birthText))),
    kind: 'move',
    holder: contextIdOf(host.publicKey),
    handover: '7f3b2f0e-5a51-4c9b-8a52-0d6a4a2f9c11',
    cut: { '3': 41, '17': 0 },
    succession: {
      mode: 'safe',
      voters: [delegate, origin, host].map((voter) => contextIdOf(voter.publicKey)),
      need: 2,
      lease: 3_000,
      tolerance: 500,
    },
  })
  const adopt = custody([root, delegate], {
    agent,
    epoch: 3,
    previous: move.digest,
    kind: 'adopt',
    holder: contextIdOf(origin.publicKey),
    handover: '0d1c9a66-1f0e-4b7e-9d0a-6d1a2b3c4d5e',
    cut: undefined,
  })

  const atOrigin = credential(token, issueAgentToken(origin, contextIdOf(origin.publicKey), token))
  const away = { ...token, epoch: 1, custody: move.digest }
  const first = { callerToken: atOrigin.hash, callee: agent, capability: 'anomaly.detect', parent: undefined, expiresAt: NOW + 60 }
  const firstCall = credential(first, issueCallerLink(origin, first))
  const nested = { ...first, callee: unnamed, capability: 'chart.draw', parent: firstCall.hash }

  return {
    keys: { root: keyVector(0), delegate: keyVector(32), origin: keyVector(64), host: keyVector(96) },
    mesh,
    agentIds: [
      named('analyzer', 'line-1'),
      named('analyzer', 'Zähler 2'),
      { type: 'analyzer', nonce: hex(nonce), id: unnamed, origin: originOf(unnamed) },
    ],
    membership: credential(membership, issueMembership(root, membership)),
    delegatedMembership: credential(delegated, issueMembership(delegate, delegated, delegation)),
    birthCertificate: credential(birth, bytesOf(birthText)),
    tokenAtOrigin: atOrigin,
    tokenAway: credential(away, issueAgentToken(host, contextIdOf(host.publicKey), away)),
    custodyMove: move,
    custodyAdopt: adopt,
    firstCall,
    nestedCall: credential(nested, issueCallerLink(origin, nested)),
  }
}

if (import.meta.main)
  writeFileSync(new URL('identity.json', import.meta.url), `${JSON.stringify(identityVectors(), null, 2)}\n`)
