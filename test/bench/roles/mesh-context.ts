import { z } from 'zod'
import { defineAgent } from '../../../src/agent/define-agent.ts'
import type { ContextOptions } from '../../../src/context-options.ts'
import { createContext } from '../../../src/create-context.ts'
import { burst, callMany, paced, steady } from '../harness/drive.ts'
import { type PackedIdentity, unpackMember } from '../harness/mesh.ts'
import { roleOptions, serveRole } from '../harness/role.ts'
import { nextReading, patterns, type Reading, sharedMicros, topics } from '../harness/workload.ts'

/** One context in a process of its own: publisher, subscriber, caller and callee of every mesh figure. */
interface MeshRole {
  readonly identity: PackedIdentity
  readonly bootstrap: readonly string[]
  readonly lanes?: NonNullable<ContextOptions['lanes']>
  /** Whether it reads the events. */
  readonly subscribes?: boolean
  /** Whether it offers `bench.echo`. */
  readonly echoes?: boolean
}

const { identity, bootstrap, lanes, subscribes = false, echoes = false } = roleOptions<MeshRole>()
const context = await createContext({
  identity: unpackMember(identity),
  bootstrap,
  listen: ['/ip4/127.0.0.1/tcp/0'],
  // Room for a burst, as the rival's server has with its 256 MB: how fast events pass is measured, not how many may wait.
  lanes: { queueBytes: 64 * 1_048_576, ...lanes },
})

let published = 0
let received = 0
let sink = 0
let disorder = 0
let latencies: number[] = []

if (subscribes) {
  const subscriptions = patterns.map((pattern) => {
    // Each subscription has a queue of its own, so order is a matter of each.
    let last = -1
    return context.subscribe(
      pattern,
      ({ data }) => {
        const reading = data as Reading
        sink += reading.seq + reading.position.x
        if (reading.seq <= last) disorder += 1
        last = reading.seq
        if (reading.sentAt > 0) latencies.push(sharedMicros() - reading.sentAt)
        received += 1
      },
      { limit: 1_000_000 },
    )
  })
  await Promise.all(subscriptions.map(({ ready }) => ready))
}

const Echo = z.object({ reading: z.looseObject({ seq: z.number() }) })
if (echoes) {
  await context.spawn(
    defineAgent({
      type: 'echo',
      capabilities: { 'bench.echo': { input: Echo, output: Echo, handle: (input) => input } },
    }),
  )
}
await context.announced()

const publish = (sentAt = 0): Promise<void> => {
  const at = published++
  return context.publish(topics[at % topics.length]!, nextReading(at, sentAt))
}

serveRole(
  { addresses: context.addresses, id: context.id },
  {
    burst: async (seconds: number) => {
      const before = published
      await burst(seconds, 512, publish)
      return published - before
    },
    paced: ({ rate, seconds }: { rate: number; seconds: number }) => paced(rate, seconds, publish),
    // Untimed, since latencies are kept until they are fetched: for hours of events they would be the memory that is measured.
    steady: ({ rate, seconds }: { rate: number; seconds: number }) => steady(rate, seconds, () => publish()),
    count: () => ({ received, sink, at: sharedMicros(), disorder }),
    latencies: () => {
      const taken = latencies
      latencies = []
      return taken
    },
    calls: (argument: { inFlight: number; seconds: number }) =>
      callMany(argument.inFlight, argument.seconds, async (index) => {
        const reply = (await context.call('bench.echo', { reading: nextReading(index) })) as {
          reading: { seq: number }
        }
        return reply.reading.seq
      }),
    members: () => context.members,
    unconfirmed: () => context.unconfirmed,
    metrics: () => context.metrics(),
    memory: () => process.memoryUsage(),
    cpu: () => process.cpuUsage(),
    exit: () => process.exit(0),
  },
)
