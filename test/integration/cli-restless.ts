import { defineAgent } from '../../src/agent/define-agent.ts'

/** An agent for `amcp up --agents` that leaves a timer of the machine behind, which would keep its process for ever. */
export const restless = defineAgent({ type: 'restless', onActivate: () => void setInterval(() => {}, 1_000) })
