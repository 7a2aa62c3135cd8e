import type { Crypto, SigningKey } from '../core/crypto.ts'
import { AmcpError } from '../core/errors.ts'
import type { AgentId } from '../core/ids.ts'
import { isMintedBy } from './agent-id.ts'
import { claim, isText, isTexts, signStatement, verifyStatement } from './statement.ts'

const TYPE = 'amcp-birth+jwt'

/** What an agent's origin says of it for life; issued anew when its roles change. */
export interface BirthCertificate {
  readonly agent: AgentId
  readonly type: string
  readonly name: string | undefined
  /** The most an agent may ever be; a host's membership can only narrow it. */
  readonly roles: readonly string[]
}

export function issueBirthCertificate(key: SigningKey, { agent, type, name, roles }: BirthCertificate): string {
  return signStatement(key, TYPE, { sub: agent, agt: type, ...(name === undefined ? {} : { nam: name }), rol: roles })
}

/** ERR_CREDENTIAL_INVALID, also when the signer cannot have minted the id. */
export function verifyBirthCertificate(crypto: Crypto, originKey: Uint8Array, text: string): BirthCertificate {
  const claims = verifyStatement(crypto, originKey, text, TYPE)
  const agent = claim(claims, 'sub', isText)
  if (!isMintedBy(crypto, agent, originKey)) {
    throw new AmcpError(
      'ERR_CREDENTIAL_INVALID',
      `the agent ${agent} was not minted by the signer of its birth certificate`,
      {
        details: { reason: 'foreign origin', agent },
      },
    )
  }
  return {
    agent,
    type: claim(claims, 'agt', isText),
    name: claims['nam'] === undefined ? undefined : claim(claims, 'nam', isText),
    roles: claim(claims, 'rol', isTexts),
  }
}
