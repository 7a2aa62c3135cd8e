import { defineAgent } from '../../src/agent/define-agent.ts'
import { ThreadWatchdog } from '../../src/agent/thread-watchdog.ts'
import { systemPorts } from '../../src/core/default-ports.ts'
import { World } from '../unit/calls/world.ts'

/**
 * The process of `call-endless-loop.test.ts`: an agent's handler never returns. With `nobody` no agent runs meanwhile;
 * with `later` the handler loops after an `await`, while another agent's waits and a third one's is through.
 */
const world = new World()
const watch = new ThreadWatchdog(systemPorts(), { limit: 200 })
await watch.start()
const place = world.context('here', {}, watch)
await place.start()
const spin = (): never => {
  for (;;) {
    // Until it is killed.
  }
}
const spawn = (type: string) =>
  place.registry.spawn(
    defineAgent({
      type,
      capabilities: {
        'loop.forever': { handle: spin },
        'loop.later': { handle: () => Promise.resolve().then(spin) },
        wait: { handle: () => new Promise<never>(() => {}) },
        fine: { handle: async () => 1 },
      },
    }),
  )
const agent = await spawn('looping')
const waiting = await spawn('waiting')
const done = await spawn('done')
const call = (id: string, capability: string): Promise<unknown> => place.calls.call(id, id, 1, { capability })
await call(agent.id, 'fine')
await call(done.id, 'fine')
process.stdout.write(`${agent.id} ${waiting.id}\n`)
if (process.argv[2] === 'nobody') spin()
if (process.argv[2] === 'later') {
  void call(waiting.id, 'wait')
  void call(agent.id, 'loop.later')
} else void call(agent.id, 'loop.forever')
