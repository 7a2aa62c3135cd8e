import { setImmediate as turn } from 'node:timers/promises'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { ServiceBroker } from 'moleculer'
import nact from 'nact'
import nactPackage from 'nact/package.json' with { type: 'json' }
import { z } from 'zod'
import { defineAgent } from '../../src/agent/define-agent.ts'
import { createContext } from '../../src/create-context.ts'
import { measurePairs, printFigure, quick } from './harness/pairs.ts'

/**
 * A call inside one process, in a context as `createContext()` makes it, with nobody else in its mesh. We validate input
 * and output, with a hand-written Standard Schema (the headline) and with zod; Moleculer and nact validate nothing. One
 * call after the other, each awaited.
 */
const seconds = quick ? 0.5 : 0.8

interface Reading {
  seq: number
  load: number
}

const number = (value: unknown, key: string): boolean =>
  typeof (value as Record<string, unknown> | null)?.[key] === 'number'
const byHand: StandardSchemaV1<Reading> = {
  '~standard': {
    version: 1,
    vendor: 'bench',
    validate: (value) =>
      number(value, 'seq') && number(value, 'load')
        ? { value: value as Reading }
        : { issues: [{ message: 'no reading' }] },
  },
}
const byZod = z.object({ seq: z.number(), load: z.number() })

async function perSecond(call: (reading: Reading) => PromiseLike<unknown>): Promise<number> {
  const start = performance.now()
  const end = start + seconds * 1_000
  let calls = 0
  while (performance.now() < end) {
    for (let index = 0; index < 1_000; index += 1) {
      const reply = (await call({ seq: index, load: 0.5 })) as Reading
      if (reply.seq !== index) throw new Error('answered with another reply')
    }
    calls += 1_000
    // Neither side needs the event loop, so nothing else would have a turn for as long as it is measured.
    await turn()
  }
  return (calls / (performance.now() - start)) * 1_000
}

const context = await createContext()
await context.spawn(
  defineAgent({
    type: 'echo',
    capabilities: {
      echo: { input: byHand, output: byHand, handle: (reading) => reading },
      'echo.async': { input: byHand, output: byHand, handle: async (reading) => reading },
      'echo.zod': { input: byZod, output: byZod, handle: (reading) => reading },
    },
  }),
)
const ours = (capability: string) => (): Promise<number> => perSecond((reading) => context.call(capability, reading))

const services = new ServiceBroker({ nodeID: 'local', logger: false })
services.createService({ name: 'bench', actions: { echo: (context: { params: Reading }) => context.params } })
await services.start()
const moleculer = (): Promise<number> => perSecond((reading) => services.call('bench.echo', reading))

const system = nact.start()
interface Ask {
  reading: Reading
  sender: nact.Ref<Reading>
}
const actor = nact.spawnStateless(system, (ask: Ask) => nact.dispatch(ask.sender, ask.reading))
const queried = (): Promise<number> =>
  perSecond((reading) => nact.query(actor, (sender: nact.Ref<Reading>) => ({ reading, sender }), 10_000))

const versions = { moleculer: ServiceBroker.MOLECULER_VERSION, nact: nactPackage.version }
for (const [figure, rival, us, them] of [
  ['call-local', 'moleculer', ours('echo'), moleculer],
  ['call-local-nact', 'nact', ours('echo'), queried],
  ['call-local-async', 'moleculer', ours('echo.async'), moleculer],
  ['call-local-zod', 'moleculer', ours('echo.zod'), moleculer],
] as const) {
  await us() // warm-up of both
  await them()
  const { value, rivalValue, ratio, spread, pairs } = await measurePairs(us, them)
  const conditions = { rivalVersion: versions[rival], pairs, spread, seconds }
  printFigure({ figure, value, unit: 'calls/s', rival, rivalValue, ratio, conditions })
}
nact.stop(system)
await services.stop()
await context.stop()
