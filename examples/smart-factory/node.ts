import { createContext } from 'amcp-mesh'
import { serveControl } from 'amcp-mesh/control'
import { analyzer } from './analyzer.ts'
import { now } from './clock.ts'
import { feedEvents } from './feeder.ts'
import { runLoad } from './load.ts'
import { Operator } from './operator.ts'
import type { PlaceOptions } from './place.ts'
import { sensor } from './sensor.ts'
import { Tally } from './tally.ts'
import type { Reading } from './telemetry.ts'

/** One process of the factory: what runs in it depends on the place's name. */
const { name, folder, bootstrap } = JSON.parse(process.env['PLACE'] ?? '{}') as PlaceOptions
const tell = (news: unknown): boolean => process.send?.({ news }) ?? false

const begun = now()
const context = await createContext({ folder, bootstrap })
const control = await serveControl(folder, context)
const startMilliseconds = now() - begun

const tally = new Tally()
let published = 0
let userEvents = 0
let operator: Operator | undefined

/** Starts the edge's sensor: at the beginning, and again when what it published has been counted. */
const sense = async (): Promise<void> => {
  const counting = (number: number): void => {
    published = number
  }
  await context.spawn(sensor(name, counting), { name: 'sensor' })
}

if (name === 'edge-1' || name === 'edge-2') await sense()
else {
  context.subscribe('amcp.domain.telemetry.*', ({ data }) => {
    const reading = data as Reading
    if (tally.add(reading) === 'new life') tell({ kind: 'back', host: reading.host })
  })
  context.subscribe('amcp.domain.user.>', () => {
    userEvents += 1
  })
}
if (name === 'plant') {
  await context.spawn(analyzer('edge-1', 'analyzer-1'), { name: 'analyzer-1' })
  await context.spawn(analyzer('edge-2', 'analyzer-2'), { name: 'analyzer-2' })
}
if (name === 'operator') operator = new Operator(context, (alert) => tell({ kind: 'alert', alert }))
await context.announced()

const commands: Record<string, (argument: never) => unknown> = {
  ready: () => ({ id: context.id, addresses: context.addresses, startMilliseconds }),
  members: () => context.members,
  linked: () => context.neighbours,
  load: (milliseconds: number) => runLoad(milliseconds),
  halt: async () => {
    await context.destroy(...context.agents.list.filter(({ type }) => type === 'sensor').map(({ id }) => id))
    return published
  },
  resume: sense,
  report: () => ({ received: tally.snapshot(), userEvents, calls: operator?.report() }),
  feed: (file: string) => feedEvents(context, file),
}

process.on('message', async ({ id, command, argument }: { id: number; command: string; argument: never }) => {
  try {
    process.send?.({ id, value: await commands[command]?.(argument) })
  } catch (error) {
    process.send?.({ id, error: error instanceof Error ? error.message : String(error) })
  }
})
const stop = async (): Promise<void> => {
  operator?.stop()
  await control[Symbol.asyncDispose]()
  await context.stop()
  process.exit(0)
}
for (const end of ['SIGTERM', 'SIGINT', 'disconnect']) process.once(end, () => void stop())
