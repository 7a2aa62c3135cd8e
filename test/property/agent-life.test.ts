import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type AgentStatus, transitions } from '../../src/agent/agent.ts'
import { defineAgent } from '../../src/agent/define-agent.ts'
import { event, World } from '../unit/calls/world.ts'

type Step = 'activate' | 'deactivate' | 'destroy' | 'event' | 'bad event' | 'call'

const steps = fc.array(
  fc.constantFrom<Step>('activate', 'deactivate', 'event', 'event', 'bad event', 'call', 'activate', 'destroy'),
  { maxLength: 25 },
)

/** What becomes of a step when everything before it is over. */
class Model {
  status: AgentStatus = 'ACTIVE'
  waiting: ('event' | 'bad event' | 'call')[] = []
  handled = 0
  failures = 0
  dropped = 0

  /** Returns whether the step is allowed. */
  take(step: Step): boolean {
    switch (step) {
      case 'activate':
        return this.#go('ACTIVE')
      case 'deactivate':
        return this.#go('INACTIVE')
      case 'destroy':
        this.#end('DESTROYED')
        return true
      default:
        if (this.status === 'FAILED' || this.status === 'DESTROYED') this.dropped += 1
        else this.waiting.push(step)
        this.#work()
        return true
    }
  }

  #go(to: AgentStatus): boolean {
    if (!transitions[this.status].includes(to)) return false
    this.status = to
    this.#work()
    return true
  }

  #work(): void {
    while (this.status === 'ACTIVE' && this.waiting.length > 0) {
      if (this.waiting.shift() === 'bad event') {
        this.failures += 1
        this.#end('FAILED')
      } else this.handled += 1
    }
  }

  #end(status: AgentStatus): void {
    this.status = status
    this.dropped += this.waiting.length
    this.waiting = []
  }
}

test('AG-1 an agent lives as the table says, whatever is asked of it in which order, and no two of its handlers overlap', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.boolean(), async (list, isSlow) => {
      const world = new World()
      const place = world.context('here')
      await place.start()
      let running = 0
      const alone = async (isBad = false): Promise<void> => {
        running += 1
        expect(running).toBe(1)
        if (isSlow) await new Promise<void>((resolve) => world.clock.after(3, resolve))
        running -= 1
        if (isBad) throw new Error('bad')
      }
      const agent = await world.clock.runFor(
        place.registry.spawn(
          defineAgent({
            type: 'model',
            subscribe: ['amcp.domain.x'],
            onThrow: 'fail',
            capabilities: { work: { handle: () => alone() } },
            onEvent: ({ data }) => alone(data === 'bad event'),
            onActivate: () => alone(),
            onDeactivate: () => alone(),
            onDestroy: () => alone(),
            onFailure: () => alone(),
          }),
        ),
      )
      const model = new Model()
      for (const step of list) {
        const isAllowed = model.take(step)
        if (step === 'event' || step === 'bad event') void world.carry(event('amcp.domain.x', step))
        else if (step === 'call') {
          const answer = place.calls.call('caller', agent.id, 1, { capability: 'work', deadline: 3_000_000 })
          answer.catch((fault: unknown) => expect(fault).toMatchObject({ code: 'ERR_AGENT_STATE' }))
        } else {
          const asked = agent[step]().then(
            () => true,
            (fault: { code: string }) => fault.code !== 'ERR_AGENT_STATE',
          )
          expect(await world.clock.runFor(asked)).toBe(isAllowed)
        }
        await world.clock.advance(100)
        const { status, handled, failures, dropped } = model
        expect(agent).toMatchObject({ status, handled, failures, dropped, waiting: model.waiting.length, isIdle: true })
      }
    }),
    { numRuns: 60 },
  )
})

test('AG-1 nothing overlaps when everything is asked at once, and the agent ends where a step of its life can lead', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (list) => {
      const world = new World()
      const place = world.context('here')
      await place.start()
      let running = 0
      let overlaps = 0
      const alone = async (isBad = false): Promise<void> => {
        overlaps += running
        running += 1
        await new Promise<void>((resolve) => world.clock.after(2, resolve))
        running -= 1
        if (isBad) throw new Error('bad')
      }
      const definition = defineAgent({
        type: 'crowded',
        subscribe: ['amcp.domain.x'],
        onThrow: 'fail',
        onEvent: ({ data }) => alone(data === 'bad event'),
        onActivate: () => alone(),
        onDeactivate: () => alone(),
        onDestroy: () => alone(),
        onFailure: () => alone(),
      })
      const agent = await world.clock.runFor(place.registry.spawn(definition))
      const asked: Promise<void>[] = []
      for (const step of list) {
        if (step === 'activate' || step === 'deactivate' || step === 'destroy') asked.push(agent[step]())
        else void world.carry(event('amcp.domain.x', step))
      }
      const outcomes = await world.clock.runFor(Promise.allSettled(asked))
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'ERR_AGENT_STATE' })
      }
      await world.clock.advance(1_000)
      expect(overlaps).toBe(0)
      expect(agent.isIdle).toBe(true)
      if (list.includes('destroy')) expect(agent.status).toBe('DESTROYED')
      else expect(['ACTIVE', 'INACTIVE', 'FAILED']).toContain(agent.status)
    }),
    { numRuns: 60 },
  )
})
