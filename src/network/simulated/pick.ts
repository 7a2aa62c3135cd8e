import type { Random } from '../../core/random.ts'

/** `count` of the items, drawn without putting back; all of them when there are not more. */
export function pick<T>(random: Random, items: readonly T[], count: number): T[] {
  const rest = [...items]
  if (rest.length <= count) return rest
  const picked: T[] = []
  while (picked.length < count) picked.push(...rest.splice(Math.floor(random.float() * rest.length), 1))
  return picked
}
