import type { Role } from './role.ts'

/** What the roles' contexts have dropped since they were made, by counter; nothing, mostly. */
export async function droppedBy(roles: readonly Role[]): Promise<Record<string, number>> {
  const all = await Promise.all(roles.map((role) => role.ask<Record<string, number>>('metrics')))
  const dropped: Record<string, number> = {}
  for (const [name, count] of all.flatMap((metrics) => Object.entries(metrics)))
    if (/drop|gap|refused|malformed/.test(name) && count > 0) dropped[name] = (dropped[name] ?? 0) + count
  return dropped
}
