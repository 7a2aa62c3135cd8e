import { defineAgent } from '../../src/agent/define-agent.ts'
import { createContext } from '../../src/create-context.ts'
import { printFigure } from './harness/pairs.ts'

/**
 * 10,000 idle agents that subscribe and offer something, in a context as `createContext()` makes it: their memory and the
 * time to spawn them. Run with --expose-gc.
 */
const AGENTS = 10_000

const idle = defineAgent({
  type: 'idle',
  subscribe: ['amcp.domain.telemetry.>'],
  onEvent() {},
  capabilities: { 'telemetry.read': { handle: () => 1 } },
})

const collect = (): void => {
  if (globalThis.gc === undefined) throw new Error('run with --expose-gc, else garbage is counted')
  globalThis.gc()
}

const context = await createContext()
await context.spawn(idle)
collect()
const before = process.memoryUsage()
const start = performance.now()
for (let made = 0; made < AGENTS; made += 1) await context.spawn(idle, { state: { seen: made } })
const seconds = (performance.now() - start) / 1_000
collect()
const after = process.memoryUsage()
const kib = (after.heapUsed + after.external - before.heapUsed - before.external) / AGENTS / 1_024
const conditions = { agents: AGENTS, rssKiBEach: Math.round((after.rss - before.rss) / AGENTS / 102.4) / 10 }
printFigure({ figure: 'agents', value: kib, unit: 'KiB/agent', rival: null, rivalValue: null, ratio: null, conditions })
printFigure({
  figure: 'agents-spawn',
  value: seconds,
  unit: 's',
  rival: null,
  rivalValue: null,
  ratio: null,
  conditions: { agents: AGENTS },
})
await context.stop()
