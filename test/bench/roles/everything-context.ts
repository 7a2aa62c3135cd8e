import { z } from 'zod'
import { defineAgent } from '../../../src/agent/define-agent.ts'
import type { ContextOptions } from '../../../src/context-options.ts'
import { createContext } from '../../../src/create-context.ts'
import { burst } from '../harness/drive.ts'
import { type PackedIdentity, unpackMember } from '../harness/mesh.ts'
import { roleOptions, serveRole } from '../harness/role.ts'
import { nextReading, topics } from '../harness/workload.ts'

/** One of three contexts in a row, each in a process of its own, with everything switched on: see `everything.ts`. */
interface EverythingRole {
  readonly part: 'publisher' | 'relay' | 'reader'
  readonly identity: PackedIdentity
  readonly bootstrap: readonly string[]
  readonly lanes: NonNullable<ContextOptions['lanes']>
}

const RELAYED = 'amcp.domain.relayed.readings'
const PROGRESS = 'amcp.domain.progress.readings'
/** Events under way between publisher and reader: whoever publishes faster than an agent reads fills its mailbox. */
const WINDOW = 8_192
/** Of all events in a run: what came from outside, so that it is written and read in full in each. */
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const traced = { traceparent: `00-${TRACE}-00f067aa0ba902b7-01`, extensions: { tracestate: 'bench=1' } }

const { part, identity, bootstrap, lanes } = roleOptions<EverythingRole>()
const context = await createContext({
  identity: unpackMember(identity),
  bootstrap,
  listen: ['/ip4/127.0.0.1/tcp/0'],
  lanes,
})
const Reading = z.looseObject({ seq: z.number(), status: z.enum(['nominal', 'degraded']), tags: z.array(z.string()) })
const mailbox = { limit: 2 * WINDOW }
let published = 0
let received = 0
let untraced = 0
let disorder = 0
let last = -1
/** Of those published, how many the reader says it has read; and who waits for it to say more. */
let read = 0
let proceed: (() => void) | undefined
let awaited: { count: number; resolve: () => void } | undefined

if (part === 'relay') {
  await context.spawn(
    defineAgent({
      type: 'relay',
      mailbox,
      subscribe: { 'amcp.domain.plant.>': Reading },
      onEvent(event, self) {
        received += 1
        return self.publish(RELAYED, event.data)
      },
    }),
  )
}
if (part === 'reader') {
  await context.spawn(
    defineAgent({
      type: 'reader',
      mailbox,
      subscribe: { [RELAYED]: Reading },
      onEvent({ data, causationid, traceparent }) {
        received += 1
        if (causationid === undefined || traceparent?.slice(3, 35) !== TRACE) untraced += 1
        if (data.seq <= last) disorder += 1
        last = data.seq
        if (received === awaited?.count) awaited.resolve()
        if (received % (WINDOW / 8) === 0) void context.publish(PROGRESS, { read: received })
      },
    }),
  )
}
if (part === 'publisher')
  await context.subscribe(PROGRESS, ({ data }) => {
    read = (data as { read: number }).read
    proceed?.()
  })
await context.announced()

async function room(): Promise<void> {
  while (published - read > WINDOW)
    await new Promise<void>((resolve) => {
      proceed = resolve
    })
}

const publish = (): Promise<void> => {
  const at = published++
  return context.publish(topics[at % topics.length]!, nextReading(at), traced)
}

serveRole(
  { addresses: context.addresses },
  {
    burst: async (seconds: number) => {
      const before = published
      await burst(seconds, 512, publish, room)
      return published - before
    },
    publish: async (count: number) => {
      for (let left = count; left > 0; left -= 1) await publish()
    },
    /** Resolves when so many events were read in all. */
    until: (count: number) => {
      if (received >= count) return undefined
      return new Promise<void>((resolve) => {
        awaited = { count, resolve }
      })
    },
    count: () => ({ received, untraced, disorder, at: Number(process.hrtime.bigint() / 1000n) }),
    cpu: () => process.cpuUsage(),
    metrics: () => context.metrics(),
  },
)
