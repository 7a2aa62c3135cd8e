import { setTimeout as wait } from 'node:timers/promises'
import { now } from './clock.ts'

/** Asks again and again until the condition holds, for at most `limit` ms; says whether it held. */
export async function until(condition: () => boolean | Promise<boolean>, limit: number): Promise<boolean> {
  for (const end = now() + limit; now() < end; await wait(20)) {
    if (await condition()) return true
  }
  return condition()
}
