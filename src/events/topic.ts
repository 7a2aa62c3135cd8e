import { AmcpError } from '../core/errors.ts'

/** Bytes of a topic; characters are ASCII, so also its length. */
export const MAX_TOPIC_LENGTH = 512
/** Levels of a topic; bounds the trie's walk. */
export const MAX_TOPIC_LEVELS = 32

/** Namespaces that only the library itself publishes to (TP-2): life cycle, mobility, discovery and coordination. */
export const reservedNamespaces: readonly string[] = [
  'amcp.control',
  'amcp.lifecycle',
  'amcp.mobility',
  'amcp.discovery',
]

const level = /^[A-Za-z0-9_~:@+=$-]+$/
const agentTopic = /^amcp\.agent\.[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** What stands before an agent's id in its own topic. */
const AGENT_TOPIC_PREFIX = 'amcp.agent.'

/** Whether a level of a pattern stands for the rest of the topic; `**` is read as `>`. */
export const isRest = (one: string): boolean => one === '>' || one === '**'

/** Whether a level of a pattern stands for others. */
export const isWildcard = (one: string): boolean => one === '*' || isRest(one)

const invalid = (name: string, reason: string): AmcpError =>
  new AmcpError('ERR_TOPIC_INVALID', `the topic ${JSON.stringify(name.slice(0, 80))} ${reason}`, {
    details: { topic: name.slice(0, MAX_TOPIC_LENGTH), reason },
  })

/** Splits a name into levels after the checks that topics and patterns share. ERR_TOPIC_INVALID. */
export function levelsOf(name: string): readonly string[] {
  if (typeof name !== 'string' || name === '') throw invalid(String(name), 'is empty')
  const levels = name.split('.')
  if (levels.length > MAX_TOPIC_LEVELS)
    throw invalid(name, `has ${levels.length} levels, ${MAX_TOPIC_LEVELS} are allowed`)
  if (name.length > MAX_TOPIC_LENGTH)
    throw invalid(name, `has ${name.length} characters, ${MAX_TOPIC_LENGTH} are allowed`)
  if (levels.includes('')) throw invalid(name, 'has an empty level')
  return levels
}

/** One level that is no wildcard. ERR_TOPIC_INVALID. */
export function checkLevel(name: string, one: string): void {
  if (!level.test(one))
    throw invalid(name, `has the level ${JSON.stringify(one)}; allowed are letters, digits and _ ~ : @ + = $ -`)
}

/** Topics found valid; emptied when full, since asking it must cost next to nothing. */
const checked = new Set<string>()
const CHECKED_LIMIT = 16_384

/**
 * Refuses what is not a concrete topic: names are hierarchical, 1 to 32 levels of ASCII letters, digits and `_~:@+=$-`,
 * joined by dots, at most 512 characters; the first level is `amcp`. ERR_TOPIC_INVALID.
 * @see AMCP 1.5 specification 2.2
 */
export function checkTopic(topic: string): void {
  if (checked.has(topic)) return
  const levels = levelsOf(topic)
  for (const one of levels) {
    if (isWildcard(one)) throw invalid(topic, `has the wildcard ${one}: events go to one concrete topic`)
    checkLevel(topic, one)
  }
  if (levels[0] !== 'amcp' || levels.length < 2)
    throw invalid(topic, 'does not begin with amcp. and a namespace, as amcp.domain.order does')
  if (topic.startsWith(AGENT_TOPIC_PREFIX) && !agentTopic.test(topic)) {
    throw invalid(topic, 'is in amcp.agent but does not name an agent id')
  }
  if (checked.size >= CHECKED_LIMIT) checked.clear()
  checked.add(topic)
}

/** Whether it is a concrete topic. A name that is none must reach no trie and no memory, whatever patterns it fits. */
export function isTopic(name: string): boolean {
  try {
    checkTopic(name)
    return true
  } catch (error) {
    if (error instanceof AmcpError) return false
    throw error
  }
}

/** Whether only the library itself may publish there. */
export function isReserved(topic: string): boolean {
  for (const namespace of reservedNamespaces) {
    if (topic.startsWith(namespace) && (topic.length === namespace.length || topic[namespace.length] === '.'))
      return true
  }
  return false
}

/** What an ordinary agent may publish to. ERR_TOPIC_INVALID, ERR_TOPIC_RESERVED. */
export function checkPublishTopic(topic: string): void {
  checkTopic(topic)
  if (isReserved(topic)) {
    throw new AmcpError('ERR_TOPIC_RESERVED', `only the mesh itself publishes to ${topic}`, { details: { topic } })
  }
}

/** The topic that reaches one agent and no other. */
export const topicOfAgent = (agent: string): string => AGENT_TOPIC_PREFIX + agent

/** Whether a topic reaches one agent only. */
export const isAgentTopic = (topic: string): boolean => topic.startsWith(AGENT_TOPIC_PREFIX)

const agents = new Map<string, string>()
const AGENTS_LIMIT = 16_384

/**
 * The agent a topic names, or undefined for any other topic. As the same string each time, so that maps of agents need not
 * hash a new one for each event.
 */
export function agentOfTopic(topic: string): string | undefined {
  if (!isAgentTopic(topic)) return undefined
  const known = agents.get(topic)
  if (known !== undefined) return known
  if (agents.size >= AGENTS_LIMIT) agents.clear()
  const agent = topic.slice(AGENT_TOPIC_PREFIX.length)
  agents.set(topic, agent)
  return agent
}
