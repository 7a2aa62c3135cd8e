import { anyOf, parsePattern } from '../events/pattern.ts'
import { isReserved } from '../events/topic.ts'

/**
 * Whether patterns of a membership or token allow publishing to a concrete topic. A wildcard does not reach into a reserved
 * namespace: it must be named, as in `amcp.control.>`, so that no ordinary membership gives that right.
 */
export function publishRights(patterns: readonly string[]): (topic: string) => boolean {
  const parsed = patterns.map(parsePattern)
  const allowed = anyOf(parsed)
  const reserved = anyOf(parsed.filter(isReserved))
  return (topic) => (isReserved(topic) ? reserved(topic) : allowed(topic))
}
