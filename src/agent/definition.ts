import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { CallInfo } from '../calls/incoming-call.ts'
import type { AmcpEvent } from '../events/event.ts'
import type { Proficiency } from '../membership/members.ts'
import type { Checked, UncheckedData } from './checked-data.ts'
import type { AgentSelf } from './self.ts'

/** Patterns, or patterns with the schema of their topics' data. */
export type Subscriptions = readonly string[] | Readonly<Record<string, StandardSchemaV1>>

/** The data that handlers see: of the schemas when there are any, else unchecked. */
export type SubscribedData<S extends Subscriptions> = S extends readonly string[]
  ? UncheckedData
  : {
      [Pattern in keyof S]: S[Pattern] extends StandardSchemaV1 ? StandardSchemaV1.InferOutput<S[Pattern]> : never
    }[keyof S]

/** Something an agent does when it is called. Without a schema the value is passed unchecked. */
export interface Capability<State, Input, Output> {
  input?: Input
  /** Semantic version of the interface. @default '1.0.0' */
  version?: string
  proficiency?: Proficiency
  /** What one call costs, in the mesh's own currency. */
  cost?: number
  handle: CallHandler<State, Input, Output>
}

/** What a capability says of its answers: apart from `Capability`, so that TypeScript infers both schemas. */
export interface Answering<State, Input, Output> {
  output?: Output
  handle: CallHandler<State, Input, Output>
}

type CallHandler<State, Input, Output> = (
  input: Checked<Input>,
  self: AgentSelf<State>,
  call: CallInfo,
) => Answer<Output> | Promise<Answer<Output>>

type Of<All, Name> = Name extends keyof All ? All[Name] : unknown

/** A value before its schema. */
export type Answer<Schema> = Schema extends StandardSchemaV1 ? StandardSchemaV1.InferInput<Schema> : unknown

export interface MailboxOptions {
  /**
   * How many events, calls and due timers may wait. When it is full the youngest of the lowest priority goes: a call is
   * answered with ERR_MAILBOX_FULL, an event is counted. @default 1_024
   */
  limit?: number
}

/** Schemas by the names of capabilities; unknown where there is none. */
export type Schemas = Readonly<Record<string, unknown>>

/** An agent's definition, as `defineAgent` takes it; types flow from its schemas. */
export interface AgentOptions<State, Subscribe extends Subscriptions, Inputs extends Schemas, Outputs extends Schemas> {
  /** Lower-case words with dots or dashes. */
  type: string
  /** The initial state is what the schema makes of `{}`, unless `spawn` is given one. Without a schema it is `{}`. */
  state?: State
  /** An event that fits several patterns is handled once: the first of them, as written, says by which schema. */
  subscribe?: Subscribe
  onEvent?(event: AmcpEvent<SubscribedData<Subscribe>>, self: AgentSelf<Checked<State>>): void | Promise<void>
  /** By name; the second part only lets TypeScript see each output's schema. */
  capabilities?: {
    [Name in keyof Inputs]: Capability<Checked<State>, Inputs[Name], Of<Outputs, Name>>
  } & { [Name in keyof Outputs]: Answering<Checked<State>, Of<Inputs, Name>, Outputs[Name]> }
  onActivate?(self: AgentSelf<Checked<State>>): void | Promise<void>
  onDeactivate?(self: AgentSelf<Checked<State>>): void | Promise<void>
  onDestroy?(self: AgentSelf<Checked<State>>): void | Promise<void>
  onFailure?(reason: unknown, self: AgentSelf<Checked<State>>): void | Promise<void>
  mailbox?: MailboxOptions
  /**
   * What a throw of `onEvent`, of a timer or of a subscription's handler does: the agent goes on with the next event, or
   * is FAILED until it is activated again. A throw while it serves a call only fails that call. @default 'goOn'
   */
  onThrow?: 'goOn' | 'fail'
}

/** One capability, its types forgotten. */
export interface AnyCapability {
  readonly input: StandardSchemaV1 | undefined
  readonly output: StandardSchemaV1 | undefined
  readonly version: string
  readonly proficiency: Proficiency | undefined
  readonly cost: number | undefined
  handle(input: unknown, self: AgentSelf, call: CallInfo): unknown
}

type Hook = (self: AgentSelf) => void | Promise<void>

/** A definition ready to be spawned any number of times. @typeParam State what `spawn` takes and `self.state` is */
export interface AgentDefinition<State = unknown> {
  readonly type: string
  readonly state: StandardSchemaV1<unknown, State> | undefined
  /** Patterns, each with its schema, in the order in which they were written. */
  readonly subscribe: ReadonlyMap<string, StandardSchemaV1 | undefined>
  readonly capabilities: ReadonlyMap<string, AnyCapability>
  readonly onEvent: ((event: AmcpEvent, self: AgentSelf) => void | Promise<void>) | undefined
  readonly onActivate: Hook | undefined
  readonly onDeactivate: Hook | undefined
  readonly onDestroy: Hook | undefined
  readonly onFailure: ((reason: unknown, self: AgentSelf) => void | Promise<void>) | undefined
  readonly mailboxLimit: number
  readonly failsOnThrow: boolean
}
