export type {
  Agent,
  AgentBroker,
  AgentContext,
  AgentDirectory,
  AgentInfo,
  AgentStatus,
} from './agent/agent.ts'
export type { AgentHandle } from './agent/agent-handle.ts'
export { defineAgent } from './agent/define-agent.ts'
export type {
  AgentDefinition,
  AgentOptions,
  Capability,
  MailboxOptions,
  Subscriptions,
} from './agent/definition.ts'
export type { QueueOptions, Subscription } from './agent/queued-subscription.ts'
export type { SpawnOptions } from './agent/registry.ts'
export type { AgentSelf, AgentSubscription, AgentTimer } from './agent/self.ts'
export type { EventStream } from './agent/stream-subscription.ts'
export type { CallOptions } from './calls/calls.ts'
export type { CallInfo } from './calls/incoming-call.ts'
export type { Context } from './context.ts'
export type { ContextOptions } from './context-options.ts'
export type { EventHandler, SubscribeOptions } from './context-subscription.ts'
export { systemPorts } from './core/default-ports.ts'
export { AmcpError, type AmcpErrorOptions, type ErrorCode } from './core/errors.ts'
export type { AgentId, ContextId } from './core/ids.ts'
export type { Logger } from './core/logger.ts'
export type { Ports } from './core/ports.ts'
export type { Store } from './core/store.ts'
export { createContext } from './create-context.ts'
export type { AmcpEvent } from './events/event.ts'
export type { PublishOptions } from './events/published-event.ts'
export type { Proficiency } from './membership/members.ts'
export { type Libp2pNetworkOptions, libp2pNetwork } from './network/libp2p/libp2p-network.ts'
export { lanNetwork, type NetworkPreset, wanNetwork } from './network/libp2p/preset.ts'
export type { Network } from './network/network.ts'
