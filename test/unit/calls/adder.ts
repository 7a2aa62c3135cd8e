import { z } from 'zod'
import { defineAgent } from '../../../src/agent/define-agent.ts'
import { type Place, World } from './world.ts'

export const Sum = z.object({ a: z.number(), b: z.number() })
export const forever = (): Promise<never> => new Promise(() => {})

export function adder(type = 'adder') {
  return defineAgent({
    type,
    capabilities: {
      add: { input: Sum, output: z.number(), handle: ({ a, b }) => a + b },
      'add.later': { input: Sum, output: z.number(), handle: async ({ a, b }) => a + b },
      'add.wrong': { output: z.number(), handle: () => 'three' as unknown as number },
      fail: {
        handle: () => {
          throw new RangeError('too much')
        },
      },
      'fail.later': { handle: async () => Promise.reject(new RangeError('too late')) },
      stall: { handle: forever },
      who: { handle: (_input, self) => self.id },
    },
  })
}

export async function pair(): Promise<{ world: World; here: Place; there: Place; caller: string; target: string }> {
  const world = new World()
  const here = world.context('here')
  const there = world.context('there')
  await here.start()
  await there.start()
  const target = await there.registry.spawn(adder())
  return { world, here, there, caller: here.mint('context', 'self'), target: target.id }
}
