import { defineAgent } from '../../src/agent/define-agent.ts'
import { ThreadWatchdog } from '../../src/agent/thread-watchdog.ts'
import { systemClock } from '../../src/core/system-clock.ts'
import { World } from '../unit/calls/world.ts'

/** The process of `call-endless-loop.test.ts`: an agent's handler never returns. With `nobody` no agent runs meanwhile. */
const world = new World()
const watch = new ThreadWatchdog(systemClock(), { limit: 200 })
await watch.start()
const place = world.context('here', {}, watch)
await place.start()
const spin = (): never => {
  for (;;) {
    // Until it is killed.
  }
}
const agent = await place.registry.spawn(
  defineAgent({ type: 'looping', capabilities: { 'loop.forever': { handle: spin }, fine: { handle: () => 1 } } }),
)
await place.calls.call(agent.id, 'fine', 1)
process.stdout.write(`${agent.id}\n`)
if (process.argv[2] === 'nobody') spin()
void place.calls.call(agent.id, 'loop.forever', 1)
