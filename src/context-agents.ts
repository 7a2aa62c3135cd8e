import type { AgentMint } from './context.ts'
import type { AgentId } from './core/ids.ts'
import type { Ports } from './core/ports.ts'
import { mintAgentId, originOf, originTag } from './identity/agent-id.ts'

/** Bytes of chance in the id of an agent without a name. */
const NONCE_LENGTH = 16

/** Ids whose origin is remembered: it is asked for each event to a single agent. */
const MAX_KNOWN = 16_384

/** Mints the ids of a context's agents. @param publicKey the context's, 32 bytes */
export function agentMint({ crypto, random }: Pick<Ports, 'crypto' | 'random'>, publicKey: Uint8Array): AgentMint {
  const tag = originTag(crypto, publicKey)
  const known = new Map<AgentId, boolean>()
  return {
    mint: (type, name) => mintAgentId(crypto, publicKey, type, name ?? random.bytes(NONCE_LENGTH)),
    owns: (agent) => {
      let isOwn = known.get(agent)
      if (isOwn === undefined) {
        if (known.size >= MAX_KNOWN) known.clear()
        isOwn = originOf(agent) === tag
        known.set(agent, isOwn)
      }
      return isOwn
    },
  }
}
