import { setTimeout as wait } from 'node:timers/promises'
import type { Role } from './role.ts'

interface Count {
  received: number
  at: number
}

export interface Transfer {
  /** Events a second that the subscribers read, all of them together, over the whole burst. */
  perSecond: number
  published: number
  received: number
}

/** Lets the publisher publish as fast as it can, and counts what the subscribers read until nothing more comes. */
export async function transfer(publisher: Role, subscribers: readonly Role[], seconds: number): Promise<Transfer> {
  const counts = (): Promise<Count[]> => Promise.all(subscribers.map((role) => role.ask<Count>('count')))
  const before = await counts()
  const start = before[0]!.at
  const published = await publisher.ask<number>('burst', seconds)
  const expected = published * subscribers.length
  const total = (after: readonly Count[]): number =>
    after.reduce((sum, { received }, index) => sum + received - before[index]!.received, 0)
  let after = await counts()
  let end = Math.max(...after.map(({ at }) => at))
  for (let idle = 0; total(after) < expected && idle < 20; ) {
    await wait(25)
    const next = await counts()
    if (total(next) === total(after)) idle += 1
    else {
      idle = 0
      end = Math.max(...next.map(({ at }) => at))
    }
    after = next
  }
  const received = total(after)
  return { perSecond: (received / (end - start)) * 1e6, published, received }
}
