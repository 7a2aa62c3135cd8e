import type { AgentMint } from './context.ts'
import type { Ports } from './core/ports.ts'
import { mintAgentId, originOf, originTag } from './identity/agent-id.ts'

/** Bytes of chance in the id of an agent without a name. */
const NONCE_LENGTH = 16

/** Mints the ids of a context's agents. @param publicKey the context's, 32 bytes */
export function agentMint({ crypto, random }: Pick<Ports, 'crypto' | 'random'>, publicKey: Uint8Array): AgentMint {
  const tag = originTag(crypto, publicKey)
  return {
    mint: (type, name) => mintAgentId(crypto, publicKey, type, name ?? random.bytes(NONCE_LENGTH)),
    owns: (agent) => originOf(agent) === tag,
  }
}
