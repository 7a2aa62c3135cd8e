import { handlerError } from '../calls/call-error.ts'
import type { CallInfo } from '../calls/incoming-call.ts'
import { AmcpError } from '../core/errors.ts'
import type { AgentId } from '../core/ids.ts'
import type { AmcpEvent } from '../events/event.ts'
import { checkSchema } from '../events/schemas.ts'
import type { Agent } from './agent.ts'
import type { AgentDefinition, AnyCapability } from './definition.ts'
import type { AgentSelf } from './self.ts'

/** An agent that can be called; one that is not answers with ERR_CAPABILITY_UNKNOWN. */
export interface CallableAgent extends Agent {
  /** Checks the input and runs the handler. */
  beginCall(call: CallInfo & { readonly input: unknown }): unknown
  /** What the handler gave, checked. */
  endCall(call: CallInfo, result: unknown): unknown
}

/** The agent that a definition describes. `self` is given by its host and read when a handler first needs it. */
export class DefinedAgent implements CallableAgent {
  readonly id: AgentId
  readonly definition: AgentDefinition
  state: unknown
  #self: AgentSelf | undefined
  /** Given by whoever hosts the agent, before its first hook. */
  makeSelf: (() => AgentSelf) | undefined

  /** @param state the checked initial state */
  constructor(id: AgentId, definition: AgentDefinition, state: unknown) {
    this.id = id
    this.definition = definition
    this.state = state
  }

  get type(): string {
    return this.definition.type
  }

  get self(): AgentSelf {
    this.#self ??= this.makeSelf?.()
    if (this.#self === undefined) throw new TypeError(`agent ${this.id} is not hosted by a context`)
    return this.#self
  }

  /** Its host gives it a `self` instead. */
  setContext(): void {}

  handleEvent(event: AmcpEvent): undefined | Promise<void> {
    return this.definition.onEvent?.(event, this.self) as undefined | Promise<void>
  }

  serializeState(): Uint8Array {
    return new TextEncoder().encode(JSON.stringify(this.state))
  }

  deserializeState(state: Uint8Array): void {
    const { type, state: schema } = this.definition
    let value: unknown
    try {
      value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(state))
    } catch (cause) {
      throw new AmcpError('ERR_SCHEMA_MISMATCH', `state of ${type} is no JSON`, { cause, details: { path: '' } })
    }
    const checked = schema === undefined ? value : checkSchema(schema, value, `state of ${type}`)
    if (checked instanceof Promise) throw new TypeError(`the schema of ${type}'s state is asynchronous`)
    this.state = checked
  }

  onActivate(): void | Promise<void> {
    return this.definition.onActivate?.(this.self)
  }

  onDeactivate(): void | Promise<void> {
    return this.definition.onDeactivate?.(this.self)
  }

  onDestroy(): void | Promise<void> {
    return this.definition.onDestroy?.(this.self)
  }

  onFailure(reason: unknown): void | Promise<void> {
    return this.definition.onFailure?.(reason, this.self)
  }

  beginCall(call: CallInfo & { readonly input: unknown }): unknown {
    const capability = this.#capability(call.capability)
    if (capability.input === undefined) return this.#handle(capability, call.input, call)
    const input = checkSchema(capability.input, call.input, `input of ${call.capability}`)
    if (input instanceof Promise) return input.then((checked) => this.#handle(capability, checked, call))
    return this.#handle(capability, input, call)
  }

  endCall(call: CallInfo, result: unknown): unknown {
    const { output } = this.#capability(call.capability)
    return output === undefined ? result : checkSchema(output, result, `output of ${call.capability}`)
  }

  /** A handler's own fault is told apart from ours here, where it is known. */
  #handle(capability: AnyCapability, input: unknown, call: CallInfo): unknown {
    try {
      const result = capability.handle(input, this.self, call)
      if (result instanceof Promise) return result.catch((thrown: unknown) => this.#rethrow(call, thrown))
      return result
    } catch (thrown) {
      return this.#rethrow(call, thrown)
    }
  }

  #rethrow(call: CallInfo, thrown: unknown): never {
    throw handlerError(call.capability, this.id, thrown)
  }

  #capability(name: string): AnyCapability {
    const { capabilities } = this.definition
    const found = name === '' && capabilities.size === 1 ? capabilities.values().next().value : capabilities.get(name)
    if (found !== undefined) return found
    throw new AmcpError('ERR_CAPABILITY_UNKNOWN', `agent ${this.id} does not offer ${name || 'one capability only'}`, {
      details: { agent: this.id, capability: name, offered: [...capabilities.keys()] },
    })
  }
}

/** The state an agent begins with: what the schema makes of the given one, or of `{}`. */
export function initialState(definition: AgentDefinition, given: unknown): unknown {
  const value = given === undefined ? {} : given
  return definition.state === undefined ? value : checkSchema(definition.state, value, `state of ${definition.type}`)
}
