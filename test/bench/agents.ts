import { defineAgent } from '../../src/agent/define-agent.ts'
import { alone } from './harness/alone.ts'
import { printFigure } from './harness/pairs.ts'

/** 10,000 idle agents that subscribe and offer something: their memory and the time to spawn them. Run with --expose-gc. */
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

const { registry, calls } = alone()
await registry.start()
await registry.spawn(idle)
collect()
const before = process.memoryUsage()
const start = performance.now()
for (let made = 0; made < AGENTS; made += 1) await registry.spawn(idle, { state: { seen: made } })
const milliseconds = performance.now() - start
collect()
const after = process.memoryUsage()
const bytes = (after.heapUsed + after.external - before.heapUsed - before.external) / AGENTS
const conditions = { agents: AGENTS, rssEach: Math.round((after.rss - before.rss) / AGENTS) }
printFigure({ figure: 'agents', value: bytes, unit: 'B/agent', rival: null, rivalValue: null, ratio: null, conditions })
printFigure({
  figure: 'agents-spawn',
  value: milliseconds,
  unit: 'ms',
  rival: null,
  rivalValue: null,
  ratio: null,
  conditions: { agents: AGENTS },
})
await registry.stop()
calls.stop()
