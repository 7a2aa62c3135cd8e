import type { AgentId, ContextId } from '../core/ids.ts'

const source =
  /^amcp:\/\/([1-9A-HJ-NP-Za-km-z]{40,64})\/([0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})$/

/** The `source` of an agent's events, for its whole life: `amcp://{origin context}/{agent}`. */
export const sourceOf = (context: ContextId, agent: AgentId): string => `amcp://${context}/${agent}`

/** Who speaks, or undefined when it is no AMCP source. */
export function parseSource(text: string): { readonly context: ContextId; readonly agent: AgentId } | undefined {
  const found = source.exec(text)
  return found === null ? undefined : { context: found[1]!, agent: found[2]! }
}
