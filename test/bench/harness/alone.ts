import { Publisher } from '../../../src/agent/publisher.ts'
import { AgentRegistry } from '../../../src/agent/registry.ts'
import type { BrokerSubscription, EventBroker } from '../../../src/broker/event-broker.ts'
import { Calls } from '../../../src/calls/calls.ts'
import type { Directory } from '../../../src/calls/directory.ts'
import { systemPorts } from '../../../src/core/default-ports.ts'

/** Agents and calls of one context with nobody else in the mesh: what stays in the process, and nothing around it. */
export function alone(): { registry: AgentRegistry; calls: Calls } {
  const ports = systemPorts()
  const self = '12D3KooWAlone'
  const broker: EventBroker = {
    publish: () => undefined,
    subscribe: async (pattern): Promise<BrokerSubscription> => ({ pattern, unsubscribe: () => {} }),
    start: async () => {},
    stop: async () => {},
  }
  const directory: Directory = {
    self,
    isConverged: true,
    present: [],
    contextOfAgent: () => undefined,
    offersOf: () => ({ offers: [], complete: true }),
    onChange: () => () => {},
  }
  const checks = { topic: () => {}, data: (_topic: string, data: unknown) => data, event: () => {} }
  const publisher = new Publisher({ self, ports, broker, checks })
  const registry = new AgentRegistry({
    ports,
    broker,
    publisher,
    call: (caller, target, input, options, chain) => calls.call(caller, target, input, options, chain),
    take: (event) => calls.take(event),
    // Version 8 instead of 4 makes an agent's id.
    mint: () => ports.random.uuid().replace(/^(.{14})4/, '$18'),
    isOwn: () => true,
    agentContext: (agents) => ({
      registry: agents,
      broker,
      security: { tokenOf: () => ({ bytes: new Uint8Array(), hash: new Uint8Array() }) },
      endpoint: [],
    }),
    forget: () => {},
    onOffers: () => {},
  })
  const lanes = { isOpen: () => true, reach: async () => {} }
  const calls = new Calls({ ports, broker, lanes, directory, agents: registry })
  return { registry, calls }
}
