import { AmcpError } from '../core/errors.ts'
import { checkLevel, levelsOf } from './topic.ts'

const isRest = (level: string): boolean => level === '>' || level === '**'

/** The pattern in its one spelling: `**` becomes `>`. ERR_TOPIC_INVALID when it is no pattern. */
export function parsePattern(pattern: string): string {
  const levels = levelsOf(pattern)
  levels.forEach((level, index) => {
    if (level === '*') return
    if (isRest(level)) {
      if (index === levels.length - 1) return
      throw new AmcpError(
        'ERR_TOPIC_INVALID',
        `in the pattern ${pattern}, ${level} stands for the rest and must be last`,
        {
          details: { topic: pattern, reason: 'rest wildcard inside' },
        },
      )
    }
    checkLevel(pattern, level)
  })
  return pattern.endsWith('**') ? `${pattern.slice(0, -2)}>` : pattern
}

/** Whether a concrete topic fits a pattern: `*` is one level, `>` one level or more. */
export const matches = (pattern: string, topic: string): boolean => contains(pattern, topic)

/** Whether every topic of `inner` is one of `outer`; both in their one spelling. */
export function contains(outer: string, inner: string): boolean {
  const wide = outer.split('.')
  const narrow = inner.split('.')
  for (let index = 0; ; index += 1) {
    const level = wide[index]
    const other = narrow[index]
    if (level === undefined || other === undefined) return level === other
    if (level === '>') return true
    if (other === '>') return false
    if (level !== '*' && level !== other) return false
  }
}

/** Whether some topic fits both. */
export function overlaps(one: string, another: string): boolean {
  const first = one.split('.')
  const second = another.split('.')
  for (let index = 0; ; index += 1) {
    const level = first[index]
    const other = second[index]
    if (level === undefined || other === undefined) return level === other
    if (level === '>' || other === '>') return true
    if (level !== '*' && other !== '*' && level !== other) return false
  }
}

/** Patterns of which none contains another, sorted: a smaller set that fits the same topics. */
export function withoutContained(patterns: Iterable<string>): readonly string[] {
  const distinct = [...new Set(patterns)]
  const wild = distinct.filter((pattern) => pattern.includes('*') || pattern.endsWith('>'))
  return distinct.filter((pattern) => !wild.some((outer) => outer !== pattern && contains(outer, pattern))).sort()
}
