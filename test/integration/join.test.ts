import { describe, expect, test } from 'vitest'
import { type ForcedLane, JoinMesh } from './join-mesh.ts'

const MEMBERS = 20
/** Newcomers by lane; `npm run prove -- join` sets 100. */
const TRIES = Number(process.env['JOIN_TRIES'] ?? 1)
/** Far above what a try takes; a try that hangs is known by its own deadlines. */
const TIME_LIMIT = 60_000 + TRIES * 15_000

describe(`joining a mesh of ${MEMBERS} by one address`, () => {
  for (const lane of ['direct', 'gossip'] satisfies ForcedLane[]) {
    test(`MS-1 the next event of every member is received when the newcomer's subscription is ready, lane ${lane}`, {
      timeout: TIME_LIMIT,
    }, async () => {
      await using mesh = await JoinMesh.open(MEMBERS, lane)
      expectSparse(mesh)
      for (let tries = 0; tries < TRIES; tries += 1) {
        const { received, expected, broken } = await mesh.join()
        expect(broken, `members that had acknowledged and were not heard in try ${tries}`).toBe(0)
        // The proof has the machine to itself.
        if (TRIES > 1) expect(received, `members heard in try ${tries}`).toBe(expected)
      }
      await mesh.settled()
      expectSparse(mesh)
    })
  }
})

/** Everybody has neighbours enough, and nobody, nor all together, anything like a full mesh. */
function expectSparse({ contexts }: JoinMesh): void {
  const links = contexts.map(({ neighbours }) => neighbours.length)
  expect(Math.min(...links)).toBeGreaterThanOrEqual(4)
  expect(Math.max(...links)).toBeLessThan(MEMBERS - 1)
  expect(links.reduce((sum, count) => sum + count, 0) / MEMBERS).toBeLessThanOrEqual(MEMBERS / 2)
}
