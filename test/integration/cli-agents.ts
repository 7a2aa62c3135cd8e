import { z } from 'zod'
import { defineAgent } from '../../src/agent/define-agent.ts'

/** An agent for `amcp up --agents`; what else a module exports is left alone. */
export const press = defineAgent({
  type: 'press',
  capabilities: { 'press.double': { input: z.number(), output: z.number(), handle: (load) => load * 2 } },
})

export const note = 'no definition'
