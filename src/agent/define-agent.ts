import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { CallInfo } from '../calls/incoming-call.ts'
import type { Proficiency } from '../membership/members.ts'
import type { Checked } from './checked-data.ts'
import type { AgentDefinition, AgentOptions, AnyCapability, Schemas, Subscriptions } from './definition.ts'
import type { AgentSelf } from './self.ts'

const TYPE = /^[a-z][a-z0-9]*(?:[.-][a-z0-9]+)*$/
const VERSION = /^\d+\.\d+\.\d+(?:-[0-9a-z.-]+)?$/i
const CAPABILITY = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/
const MAX_NAME = 128

/**
 * Defines a kind of agent. Types of state, events, inputs and outputs flow from any Standard Schema.
 * Throws TypeError or RangeError for a definition that cannot work.
 */
export function defineAgent<
  const Subscribe extends Subscriptions,
  Inputs extends Schemas,
  Outputs extends Schemas,
  State extends StandardSchemaV1 | undefined = undefined,
>(options: AgentOptions<State, Subscribe, Inputs, Outputs>): AgentDefinition<Checked<State>> {
  // Each function was checked against its own types above; from here on they are called with what the schemas gave.
  const untyped = options as unknown as UntypedOptions
  const { type, mailbox: { limit = 1_024 } = {}, onThrow = 'goOn' } = untyped
  if (!TYPE.test(type) || type.length > MAX_NAME) {
    throw new TypeError(`an agent's type is made of lower-case words with dots or dashes, got ${JSON.stringify(type)}`)
  }
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw new RangeError(`a mailbox holds at least 1, got ${limit}`)
  }
  const subscribe = subscriptionsOf(untyped.subscribe)
  if (subscribe.size > 0 && untyped.onEvent === undefined) {
    throw new TypeError(`${type} subscribes, but has no onEvent`)
  }
  return {
    type,
    state: untyped.state as StandardSchemaV1<unknown, Checked<State>> | undefined,
    subscribe,
    capabilities: capabilitiesOf(untyped.capabilities ?? {}),
    onEvent: untyped.onEvent,
    onActivate: untyped.onActivate,
    onDeactivate: untyped.onDeactivate,
    onDestroy: untyped.onDestroy,
    onFailure: untyped.onFailure,
    mailboxLimit: limit,
    failsOnThrow: onThrow === 'fail',
  }
}

type UntypedCapability = {
  input?: StandardSchemaV1
  output?: StandardSchemaV1
  version?: string
  proficiency?: Proficiency
  cost?: number
  handle(input: unknown, self: AgentSelf, call: CallInfo): unknown
}

type UntypedOptions = Pick<AgentDefinition, 'onEvent' | 'onActivate' | 'onDeactivate' | 'onDestroy' | 'onFailure'> & {
  type: string
  state: StandardSchemaV1 | undefined
  subscribe?: Subscriptions
  capabilities?: Record<string, UntypedCapability>
  mailbox?: { limit?: number }
  onThrow?: 'goOn' | 'fail'
}

function subscriptionsOf(subscribe: Subscriptions = []): ReadonlyMap<string, StandardSchemaV1 | undefined> {
  if (isList(subscribe)) return new Map(subscribe.map((pattern) => [pattern, undefined]))
  return new Map(Object.entries(subscribe))
}

function isList(subscribe: Subscriptions): subscribe is readonly string[] {
  return Array.isArray(subscribe)
}

function capabilitiesOf(capabilities: Record<string, UntypedCapability>): ReadonlyMap<string, AnyCapability> {
  return new Map(Object.entries(capabilities).map(([name, capability]) => [name, checked(name, capability)]))
}

function checked(name: string, capability: UntypedCapability): AnyCapability {
  const { input, output, version = '1.0.0', proficiency, cost } = capability
  if (!CAPABILITY.test(name) || name.length > MAX_NAME) {
    throw new TypeError(`a capability's name is made of words with dots, got ${JSON.stringify(name)}`)
  }
  if (typeof capability.handle !== 'function') throw new TypeError(`${name} has no handle`)
  if (!VERSION.test(version)) throw new TypeError(`${name} has a version that is not semantic: ${version}`)
  if (cost !== undefined && !(cost >= 0)) throw new RangeError(`${name} costs at least 0, got ${cost}`)
  return {
    input,
    output,
    version,
    proficiency,
    cost,
    handle: (value, self, call) => capability.handle(value, self, call),
  }
}
