import { withoutContained } from './pattern.ts'
import { isAgentTopic } from './topic.ts'

/** A summary is announced to every member, so it is bounded; what is too much is widened, never cut. */
export const MAX_SUMMARY_BYTES: number = 32 * 1024

/**
 * What a context listens to, in at most `limit` bytes: contained patterns go, then the deepest levels widen to `>` until
 * it fits. `amcp.agent.*` is never in it, since those topics find their agent by its id.
 */
export function summarise(patterns: Iterable<string>, limit: number = MAX_SUMMARY_BYTES): readonly string[] {
  let summary = withoutContained([...patterns].filter((pattern) => !isAgentTopic(pattern)))
  for (let depth = deepest(summary); depth > 1 && summaryLength(summary) > limit; depth -= 1) {
    summary = withoutContained(summary.map((pattern) => widen(pattern, depth)))
  }
  return summaryLength(summary) > limit ? ['>'] : summary
}

const deepest = (patterns: readonly string[]): number =>
  patterns.reduce((most, pattern) => Math.max(most, pattern.split('.').length), 0)

/** Patterns of `depth` levels and more keep all but their last ones. */
function widen(pattern: string, depth: number): string {
  const levels = pattern.split('.')
  return levels.length < depth ? pattern : [...levels.slice(0, depth - 1), '>'].join('.')
}

/** What a summary counts against its limit: its patterns' characters, two for each more, and three. */
export const summaryLength = (summary: readonly string[]): number =>
  summary.reduce((sum, pattern) => sum + 2 + pattern.length, 3)
