import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import { defineAgent } from '../../src/agent/define-agent.ts'
import type { AmcpError } from '../../src/core/errors.ts'
import { createContext } from '../../src/create-context.ts'

/** A context in a process of its own, told what to do by messages; started by `context-processes.ts`. */
const [folder = '', bootstrap = '[]'] = process.argv.slice(2)

// Whoever started this is gone: nobody would end it any more.
const orphaned = (): never => process.exit()
process.once('disconnect', orphaned)
/** Lets the process end by itself, if nothing of the context is left open. */
const leave = (): void => {
  process.off('disconnect', orphaned)
  process.disconnect()
}

const tell = (message: object): boolean => process.send?.(message) ?? false

const worker = defineAgent({
  type: 'worker',
  capabilities: {
    double: { input: z.number(), output: z.number(), handle: (n) => n * 2 },
    hang: {
      handle: () => {
        tell({ hanging: true })
        return new Promise(() => {})
      },
    },
    fail: {
      handle: () => {
        throw new RangeError('as told')
      },
    },
  },
})

try {
  const context = await createContext({ folder, bootstrap: JSON.parse(bootstrap) as string[], watchdog: false })
  const reply = async (id: number, act: () => unknown): Promise<void> => {
    try {
      tell({ id, result: await act() })
    } catch (thrown) {
      const { code, message, details } = thrown as AmcpError
      tell({ id, error: { code, message, details } })
    }
  }
  const acts: Record<string, (argument: never) => unknown> = {
    spawn: async () => {
      const agent = await context.spawn(worker, { name: 'w' })
      await context.announced()
      return agent.id
    },
    subscribe: (pattern: string) =>
      context.subscribe(pattern, ({ subject, data }) => void tell({ event: { subject, data } })).ready,
    publish: async ({ topic, data }: { topic: string; data: readonly unknown[] }) => {
      for (const one of data) await context.publish(topic, one)
    },
    call: ({ target, input, options }: { target: string; input: unknown; options?: object }) =>
      context.call(target, input, options),
    members: () => context.members,
    metrics: () => context.metrics(),
  }
  process.on('message', ({ id, act, argument }: { id: number; act: string; argument: never }) => {
    void reply(id, () => acts[act]?.(argument))
  })
  let burstLength = 0
  let burstTopic = ''
  let bursting: Promise<void> | undefined
  /** Some thousand a second, which every receiver can take, until the context refuses. */
  const burst = async (topic: string): Promise<void> => {
    try {
      for (let n = 0; ; n += 1) {
        if (n % 20 === 0) await wait(5)
        const taken = context.publish(topic, burstLength)
        burstLength += 1
        await taken
      }
    } catch (thrown) {
      if ((thrown as AmcpError).code !== 'ERR_STOPPED') throw thrown
      burstLength -= 1
    }
  }
  acts['burst'] = (topic: string) => {
    burstTopic = topic
    bursting = burst(topic)
  }
  process.once('SIGTERM', async () => {
    // The context is told to stop in the very turn in which it was given the most.
    for (let more = 0; bursting !== undefined && more < 2_000; more += 1)
      void context.publish(burstTopic, burstLength++)
    await context.stop()
    await bursting
    tell({ event: { subject: 'burst', data: { length: burstLength, metrics: context.metrics() } } })
    leave()
  })
  tell({ up: { id: context.id, addresses: context.addresses } })
} catch (thrown) {
  const { code, message } = thrown as AmcpError
  tell({ down: { code, message } })
  leave()
}
