import type { HostedAgent } from './hosted-agent.ts'

/** Which agents of this context offer what; asked once a local call, so it only reads a map and an array. */
export class Providers {
  readonly #byCapability = new Map<string, { agents: HostedAgent[]; turn: number }>()

  add(capability: string, agent: HostedAgent): void {
    const known = this.#byCapability.get(capability)
    if (known === undefined) this.#byCapability.set(capability, { agents: [agent], turn: 0 })
    else known.agents.push(agent)
  }

  remove(capability: string, agent: HostedAgent): void {
    const known = this.#byCapability.get(capability)
    if (known === undefined) return
    known.agents = known.agents.filter((other) => other !== agent)
    if (known.agents.length === 0) this.#byCapability.delete(capability)
  }

  /** The next ACTIVE one, in turn. */
  next(capability: string): HostedAgent | undefined {
    const known = this.#byCapability.get(capability)
    if (known === undefined) return undefined
    const { agents } = known
    for (let tried = 0; tried < agents.length; tried++) {
      if (known.turn >= agents.length) known.turn = 0
      const agent = agents[known.turn++]!
      if (agent.status === 'ACTIVE') return agent
    }
    return undefined
  }
}
