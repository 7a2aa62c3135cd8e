import { readFileSync } from 'node:fs'
import { compactVerify, generalVerify, importJWK } from 'jose'
import { describe, expect, test } from 'vitest'
import { nodeCrypto } from '../../../src/core/node-crypto.ts'
import { isMintedBy, mintAgentId, originTag } from '../../../src/identity/agent-id.ts'
import { verifyAgentToken } from '../../../src/identity/agent-token.ts'
import { verifyBirthCertificate } from '../../../src/identity/birth-certificate.ts'
import { verifyCallerLink } from '../../../src/identity/caller-link.ts'
import { verifyCustodyRecord } from '../../../src/identity/custody-record.ts'
import { publicKeyOfDid } from '../../../src/identity/did-key.ts'
import { verifyMembership } from '../../../src/identity/membership-credential.ts'
import { readMeshDescription } from '../../../src/identity/mesh-description.ts'
import { bytesOf } from '../../../src/identity/statement.ts'
import { type IdentityVectors, identityVectors } from '../../vectors/identity.ts'

const path = new URL('../../vectors/identity.json', import.meta.url)
const vectors = JSON.parse(readFileSync(path, 'utf8')) as IdentityVectors
const crypto = nodeCrypto()
const { root, delegate, origin, host } = vectors.keys
const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'))
const key = (of: { publicKey: string }): Uint8Array => bytes(of.publicKey)
const hex = (of: Uint8Array): string => Buffer.from(of).toString('hex')
const jwk = (of: { publicKey: string }) =>
  importJWK({ kty: 'OKP', crv: 'Ed25519', x: Buffer.from(key(of)).toString('base64url') }, 'EdDSA')

const { membership, delegatedMembership, birthCertificate, tokenAtOrigin, tokenAway } = vectors
const { custodyMove, custodyAdopt, firstCall, nestedCall } = vectors
const trust = { mesh: vectors.mesh.mesh, root: key(root) }
const issued = membership.content.issuedAt * 1_000

describe('the identity vectors', () => {
  test('are what this code writes, byte for byte', () => {
    expect(JSON.parse(JSON.stringify(identityVectors()))).toEqual(vectors)
  })

  test('name every credential by the first 16 bytes of its SHA-256', () => {
    const credentials = [membership, delegatedMembership, birthCertificate, tokenAtOrigin, tokenAway]
    for (const { credential, hash } of [...credentials, custodyMove, custodyAdopt, firstCall, nestedCall])
      expect(hex(crypto.sha256(Buffer.from(credential)).subarray(0, 16))).toBe(hash)
  })

  test('hold keys, did:keys and a mesh that belong together', () => {
    for (const one of [root, delegate, origin, host]) {
      expect(hex(crypto.signingKey(bytes(one.seed)).publicKey)).toBe(one.publicKey)
      expect(hex(publicKeyOfDid(one.didKey))).toBe(one.publicKey)
    }
    expect(readMeshDescription(crypto, vectors.mesh)).toEqual(vectors.mesh)
    expect(vectors.mesh.root).toBe(root.didKey)
  })

  test('hold agent ids that their origin minted', () => {
    for (const { type, name, nonce, id, origin: tag } of vectors.agentIds) {
      expect(mintAgentId(crypto, key(origin), type, name ?? bytes(nonce ?? ''))).toBe(id)
      expect(isMintedBy(crypto, id, key(origin))).toBe(true)
      expect(tag).toBe(originTag(crypto, key(origin)))
    }
  })

  test('hold memberships by the root and by its delegate', () => {
    const read = (of: typeof membership) =>
      verifyMembership(crypto, trust, of.content.context, bytesOf(of.credential), issued)
    expect(read(membership)).toEqual(membership.content)
    expect(read(delegatedMembership)).toEqual(delegatedMembership.content)
  })

  test('hold a birth certificate, and tokens at the origin and away from it', () => {
    expect(verifyBirthCertificate(crypto, key(origin), birthCertificate.credential)).toEqual(birthCertificate.content)
    const mesh = trust.mesh
    const atOrigin = { context: origin.context, key: key(origin), mesh }
    const away = { context: host.context, key: key(host), mesh }
    expect(verifyAgentToken(crypto, atOrigin, bytesOf(tokenAtOrigin.credential))).toMatchObject(tokenAtOrigin.content)
    expect(verifyAgentToken(crypto, away, bytesOf(tokenAway.credential))).toEqual(tokenAway.content)
  })

  test('hold custody records that are chained from the birth certificate by their digests', () => {
    const move = verifyCustodyRecord(crypto, bytesOf(custodyMove.credential))
    expect(move.record).toEqual(custodyMove.content)
    expect(move.record.previous).toBe(hex(crypto.sha256(bytesOf(birthCertificate.credential))))
    expect([move.digest, move.signers]).toEqual([custodyMove.digest, [origin.context]])
    const adopt = verifyCustodyRecord(crypto, bytesOf(custodyAdopt.credential))
    expect(adopt.record).toMatchObject(custodyAdopt.content)
    expect(adopt.record.previous).toBe(move.digest)
    expect(adopt.signers).toEqual([root.context, delegate.context])
  })

  test('hold links of callers that name the link before by its hash', () => {
    const first = verifyCallerLink(crypto, key(origin), bytesOf(firstCall.credential))
    expect(first).toMatchObject(firstCall.content)
    expect(first.callerToken).toBe(tokenAtOrigin.hash)
    const nested = verifyCallerLink(crypto, key(origin), bytesOf(nestedCall.credential))
    expect(nested).toEqual(nestedCall.content)
    expect(nested.parent).toBe(firstCall.hash)
  })

  test('are valid to the jose package too', async () => {
    const [atRoot, atDelegate] = [membership.credential, delegatedMembership.credential.split('~')] as const
    await compactVerify(atRoot, await jwk(root))
    await compactVerify(atDelegate[0] ?? '', await jwk(delegate))
    await compactVerify(atDelegate[1] ?? '', await jwk(root))
    for (const { credential } of [birthCertificate, tokenAtOrigin, firstCall, nestedCall])
      await compactVerify(credential, await jwk(origin))
    await compactVerify(tokenAway.credential, await jwk(host))
    const general = JSON.parse(custodyAdopt.credential)
    for (const signer of [root, delegate]) {
      const { payload } = await generalVerify(general, await jwk(signer))
      expect(JSON.parse(Buffer.from(payload).toString())).toMatchObject({ kin: 'adopt', epo: 3 })
    }
    await expect(generalVerify(general, await jwk(host))).rejects.toMatchObject({
      code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
    })
  })

  test('stay refused when any one character of a credential is another', () => {
    const text = birthCertificate.credential
    for (let at = 0; at < text.length; at += 1) {
      const other = text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1)
      expect(() => verifyBirthCertificate(crypto, key(origin), other), `character ${at}`).toThrow(
        expect.objectContaining({ code: 'ERR_CREDENTIAL_INVALID' }),
      )
    }
  })

  test('have no second spelling with padding, which would be a second name of one credential', () => {
    const refused = expect.objectContaining({ code: 'ERR_CREDENTIAL_INVALID' })
    const padded = `${birthCertificate.credential}==`
    expect(() => verifyBirthCertificate(crypto, key(origin), padded)).toThrow(refused)
    const envelope = JSON.parse(custodyMove.credential)
    envelope.signatures[0].signature += '=='
    expect(() => verifyCustodyRecord(crypto, bytesOf(JSON.stringify(envelope)))).toThrow(refused)
  })
})
