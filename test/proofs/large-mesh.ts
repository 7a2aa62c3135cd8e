import type { Context } from '../../src/context.ts'
import { systemPorts } from '../../src/core/default-ports.ts'
import { sleep } from '../../src/core/sleep.ts'
import { createContext } from '../../src/create-context.ts'
import { foundMemoryMesh } from '../../src/identity/context-identity.ts'

/**
 * A mesh above 64 members, where shards are passed on by few, over libp2p on real sockets: every event of every member
 * is heard once by each listener. All in one process, so each publishes when the last one's event has been heard:
 * 70 members that dial their relays at once would share two processors, and measure these.
 */
const members = Number(process.env['LARGE_MEMBERS'] ?? 70)
const rounds = Number(process.env['LARGE_ROUNDS'] ?? 5)
const TOPIC = 'amcp.domain.plant.news'
/** Longest the mesh may take to know itself, and an event to be heard, ms. */
const PATIENCE = { known: 60_000, heard: 6_000 }
/** Ms for patterns to become known: above 64 members only neighbours acknowledge them. */
const SPREAD = 2_000

const ports = systemPorts()
const mesh = foundMemoryMesh(ports, 'large')
const contexts: Context[] = []
const heard = new Map<string, number>()
let awaited: { key: string; left: number; resolve: () => void } | undefined

await grow()
await listen()
for (let round = 0; round < rounds; round += 1)
  for (const [at, context] of contexts.entries()) await publish(context, `${round} ${at}`)
await sleep(ports.clock, SPREAD)
report()
await Promise.all(contexts.map((context) => context.stop()))

async function grow(): Promise<void> {
  for (let at = 0; at < members; at += 1) {
    const bootstrap = contexts[Math.floor(at / 2)]?.addresses ?? contexts[at - 1]?.addresses ?? []
    contexts.push(await createContext({ identity: mesh.member(), bootstrap, watchdog: false }))
  }
  const isKnown = (): boolean => contexts.every((context) => context.members.length === members - 1)
  for (let waited = 0; !isKnown(); waited += 100) {
    if (waited > PATIENCE.known) throw new Error(`${members} members do not know each other`)
    await sleep(ports.clock, 100)
  }
}

async function listen(): Promise<void> {
  for (const at of listeners())
    await contexts[at]!.subscribe(TOPIC, ({ data }) => {
      const key = data as string
      heard.set(`${at} ${key}`, (heard.get(`${at} ${key}`) ?? 0) + 1)
      if (awaited?.key !== key) return
      awaited.left -= 1
      if (awaited.left === 0) awaited.resolve()
    }).ready
  await sleep(ports.clock, SPREAD)
}

/** Four, spread over the order in which the members came. */
function listeners(): readonly number[] {
  return [1, 3, 5, 7].map((eighth) => Math.floor((members * eighth) / 8))
}

async function publish(context: Context, key: string): Promise<void> {
  const all = new Promise<void>((resolve) => {
    awaited = { key, left: listeners().length, resolve }
  })
  await context.publish(TOPIC, key)
  await Promise.race([all, sleep(ports.clock, PATIENCE.heard)])
}

function report(): void {
  const repeated = [...heard.values()].filter((count) => count > 1).length
  const links = contexts.map((context) => context.neighbours.length)
  const expected = members * rounds * listeners().length
  console.log(
    JSON.stringify({
      figure: 'large-mesh',
      ...{ members, expected, received: heard.size, repeated },
      links: { least: Math.min(...links), most: Math.max(...links), mean: links.reduce((a, b) => a + b) / members },
    }),
  )
  process.exitCode = heard.size === expected && repeated === 0 ? 0 : 1
}
