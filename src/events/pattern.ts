import { AmcpError } from '../core/errors.ts'
import { checkLevel, isRest, levelsOf } from './topic.ts'

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
  return oneSpelling(pattern)
}

/** A valid pattern with `>` for `**`. */
export const oneSpelling = (pattern: string): string => (pattern.endsWith('**') ? `${pattern.slice(0, -2)}>` : pattern)

/** Whether a concrete topic fits a pattern: `*` is one level, `>` one level or more. */
export const matches = (pattern: string, topic: string): boolean => contains(pattern, topic)

/** Whether a concrete topic fits one of the patterns: they are taken apart once, and the topic once a question. */
export function anyOf(patterns: readonly string[]): (topic: string) => boolean {
  const split = patterns.map((pattern) => pattern.split('.'))
  return (topic) => {
    const levels = topic.split('.')
    return split.some((pattern) => containsLevels(pattern, levels))
  }
}

/** Whether every topic of `inner` is one of `outer`; both in their one spelling. */
export function contains(outer: string, inner: string): boolean {
  return containsLevels(outer.split('.'), inner.split('.'))
}

function containsLevels(wide: readonly string[], narrow: readonly string[]): boolean {
  for (let index = 0; ; index += 1) {
    const level = wide[index]
    const other = narrow[index]
    if (level === undefined || other === undefined) return level === other
    if (level === '>') return true
    if (other === '>') return false
    if (level !== '*' && level !== other) return false
  }
}

/** Patterns of which none contains another, sorted: a smaller set that fits the same topics. */
export function withoutContained(patterns: Iterable<string>): readonly string[] {
  const split = [...new Set(patterns)].sort().map((pattern) => pattern.split('.'))
  const root: Branch = { isEnd: false, next: new Map() }
  for (const levels of split) {
    let branch = root
    for (const level of levels) {
      const next = branch.next.get(level) ?? { isEnd: false, next: new Map() }
      branch.next.set(level, next)
      branch = next
    }
    branch.isEnd = true
  }
  return split.filter((levels) => !isCovered(root, levels, 0, true)).map((levels) => levels.join('.'))
}

/** All patterns by level, so that who contains one is found along its own levels, not by asking every other. */
interface Branch {
  isEnd: boolean
  readonly next: Map<string, Branch>
}

/** Whether a pattern other than `levels` contains it. @param isSelf whether the way here is its own levels */
function isCovered(branch: Branch, levels: readonly string[], at: number, isSelf: boolean): boolean {
  const level = levels[at]
  if (level === undefined) return branch.isEnd && !isSelf
  if (branch.next.has('>') && !(isSelf && level === '>')) return true
  if (level === '>') return false
  const star = branch.next.get('*')
  if (star !== undefined && isCovered(star, levels, at + 1, isSelf && level === '*')) return true
  if (level === '*') return false
  const same = branch.next.get(level)
  return same !== undefined && isCovered(same, levels, at + 1, isSelf)
}
