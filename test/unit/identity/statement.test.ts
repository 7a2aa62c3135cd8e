import { compactVerify, importJWK, SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { nodeCrypto } from '../../../src/core/node-crypto.ts'
import {
  bytesOf,
  claim,
  decode,
  isCount,
  isText,
  isTexts,
  MAX_STATEMENT_LENGTH,
  protectedHeader,
  readClaims,
  readStatement,
  signStatement,
  textOf,
  verifyStatement,
} from '../../../src/identity/statement.ts'

const crypto = nodeCrypto()
const seed = Uint8Array.from({ length: 32 }, (_, index) => index)
const key = crypto.signingKey(seed)
const type = 'amcp-test+jwt'
const base64 = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('base64url')
const publicJwk = { kty: 'OKP', crv: 'Ed25519', x: base64(key.publicKey) }
const jwk = { kty: 'OKP', crv: 'Ed25519', x: base64(key.publicKey), d: base64(seed) }
const refused = expect.objectContaining({ code: 'ERR_CREDENTIAL_INVALID' })

describe('statements', () => {
  test('are what jose verifies', async () => {
    const text = signStatement(key, type, { sub: 'somebody', n: 7 })
    const { payload, protectedHeader: header } = await compactVerify(text, await importJWK(publicJwk, 'EdDSA'), {
      algorithms: ['EdDSA'],
    })
    expect(header).toEqual({ alg: 'EdDSA', typ: type })
    expect(JSON.parse(Buffer.from(payload).toString())).toEqual({ sub: 'somebody', n: 7 })
  })

  test('that jose signs are verified', async () => {
    const text = await new SignJWT({ sub: 'somebody' })
      .setProtectedHeader({ alg: 'EdDSA', typ: type })
      .sign(await importJWK(jwk, 'EdDSA'))
    expect(verifyStatement(crypto, key.publicKey, text, type)).toEqual({ sub: 'somebody' })
  })

  test('of another key are refused', () => {
    const text = signStatement(key, type, {})
    const other = crypto.signingKey(new Uint8Array(32)).publicKey
    expect(() => verifyStatement(crypto, other, text, type)).toThrow(refused)
  })

  test('with any character changed are refused', () => {
    const text = signStatement(key, type, { sub: 'a' })
    for (let at = 0; at < text.length; at += 1) {
      const changed = `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`
      expect(() => verifyStatement(crypto, key.publicKey, changed, type), `at ${at}`).toThrow(refused)
    }
  })

  test('of another type are refused, and so is an algorithm of none', () => {
    expect(() => readStatement(signStatement(key, 'other+jwt', {}), type)).toThrow(refused)
    const none = `${base64(JSON.stringify({ alg: 'none', typ: type }))}.${base64('{}')}.`
    expect(() => readStatement(none, type)).toThrow(refused)
  })

  test.each([
    ['nothing', ''],
    ['two parts', 'a.b'],
    ['four parts', 'a.b.c.d'],
    ['a payload that is no JSON', `${protectedHeader(type)}.${base64('{')}.AA`],
    ['a payload that is an array', `${protectedHeader(type)}.${base64('[]')}.AA`],
    ['a payload that is null', `${protectedHeader(type)}.${base64('null')}.AA`],
    ['a payload that is no UTF-8', `${protectedHeader(type)}.${base64(Uint8Array.of(0xff))}.AA`],
    ['a signature that is no base64url', `${protectedHeader(type)}.${base64('{}')}.@@`],
    ['more than is read', 'a'.repeat(MAX_STATEMENT_LENGTH + 1)],
  ])('that are %s are refused', (_, text) => {
    expect(() => readStatement(text, type)).toThrow(refused)
  })

  test('are read up to the limit, and their faults say what is wrong', () => {
    const rest = `${protectedHeader(type)}..${base64('s')}`
    const room = MAX_STATEMENT_LENGTH - rest.length
    // Base64 has no text of one more than a multiple of four.
    const payload = (length: number) => base64(`{"a":"${'x'.repeat(Math.floor((length * 3) / 4) - 8)}"}`)
    const text = rest.replace('..', `.${payload(room)}.`)
    expect(text.length).toBeGreaterThan(MAX_STATEMENT_LENGTH - 4)
    expect(text.length).toBeLessThanOrEqual(MAX_STATEMENT_LENGTH)
    expect(readStatement(text, type).claims['a']).toMatch(/^x+$/)
    const why = (bad: string): string => {
      try {
        readStatement(bad, type)
      } catch (error) {
        return (error as Error).message
      }
      return 'nothing'
    }
    expect(why('a'.repeat(MAX_STATEMENT_LENGTH + 1))).toContain(`${MAX_STATEMENT_LENGTH + 1} characters`)
    expect(why('a.b.c.d')).toContain('no compact JWS')
    expect(why('a.b')).toContain('no compact JWS')
    expect(why(`${protectedHeader(type)}.${base64('{')}.AA`)).toContain('no JSON')
    expect(why(`${protectedHeader(type)}.${base64(Uint8Array.of(0x22, 0xff, 0x22))}.AA`)).toContain('no JSON')
  })

  test('base64url has one spelling: bits behind the end are refused', () => {
    expect(decode('AA')).toEqual(Uint8Array.of(0))
    expect(() => decode('AB')).toThrow(refused)
  })

  test('claims are read by their form', () => {
    const claims = readClaims(
      base64(JSON.stringify({ text: 'a', texts: ['a'], count: 3, negative: -1, half: 0.5, empty: '' })),
    )
    expect(claim(claims, 'text', isText)).toBe('a')
    expect(claim(claims, 'texts', isTexts)).toEqual(['a'])
    expect(claim(claims, 'count', isCount)).toBe(3)
    for (const [name, is] of [
      ['empty', isText],
      ['count', isText],
      ['text', isTexts],
      ['negative', isCount],
      ['half', isCount],
      ['none', isText],
    ] as const) {
      expect(() => claim(claims, name, is as typeof isText)).toThrow(refused)
    }
  })

  test('text and bytes turn into each other', () => {
    expect(textOf(bytesOf('abc'))).toBe('abc')
  })
})
