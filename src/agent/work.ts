import type { StandardSchemaV1 } from '@standard-schema/spec'
import { IncomingCall } from '../calls/incoming-call.ts'
import { type Chain, chainOfEvent } from '../events/chain.ts'
import type { AmcpEvent } from '../events/event.ts'
import { checkSchema } from '../events/schemas.ts'
import type { Agent } from './agent.ts'
import { notCallable } from './agent-faults.ts'
import { CheckedEvent } from './checked-event.ts'
import type { CallableAgent } from './defined-agent.ts'

/** What can wait in an agent's mailbox. */
export type Work = IncomingCall | Task | AmcpEvent

/** Anything but a call and a plain event: it knows itself how to run. */
export abstract class Task {
  readonly priority: number

  constructor(priority: number) {
    this.priority = priority
  }

  abstract run(): unknown

  /** The event it is about; undefined for what no event caused. */
  get event(): AmcpEvent | undefined {
    return undefined
  }

  /** It found no room, or its agent failed: it will not run. */
  shed(): void {}
}

/** Where the events of one subscription go. */
export interface EventTarget {
  readonly schema: StandardSchemaV1 | undefined
  handle(event: AmcpEvent): unknown
  /** The data does not fit the schema: the sender's fault, not the agent's. */
  mismatch(fault: unknown): void
}

/** An event for a handler of its own, or one whose data is checked before `handleEvent` sees it. */
export class EventTask extends Task {
  readonly #event: AmcpEvent
  readonly #target: EventTarget

  constructor(event: AmcpEvent, target: EventTarget) {
    super(event.priority ?? 4)
    this.#event = event
    this.#target = target
  }

  override get event(): AmcpEvent {
    return this.#event
  }

  override run(): unknown {
    const event = this.#event
    const target = this.#target
    if (target.schema === undefined) return target.handle(event)
    let data: unknown
    try {
      data = checkSchema(target.schema, event.data, `data of ${event.subject}`)
    } catch (fault) {
      target.mismatch(fault)
      return undefined
    }
    if (!(data instanceof Promise)) return target.handle(new CheckedEvent(event, data))
    return data.then(
      (checked) => target.handle(new CheckedEvent(event, checked)),
      (fault) => target.mismatch(fault),
    )
  }
}

/** A due timer. */
export class TimerTask extends Task {
  readonly #run: () => unknown
  readonly #onShed: (() => void) | undefined

  constructor(run: () => unknown, onShed?: () => void) {
    super(4)
    this.#run = run
    this.#onShed = onShed
  }

  override run(): unknown {
    return this.#run()
  }

  override shed(): void {
    this.#onShed?.()
  }
}

/** What events carry that are published while this is handled. */
export function chainOfWork(work: Work): Chain | undefined {
  if (work instanceof IncomingCall) return work.chain
  const event = eventOf(work)
  return event === undefined ? undefined : chainOfEvent(event)
}

/** The event that is handled; undefined for a timer. */
export const eventOf = (work: Task | AmcpEvent): AmcpEvent | undefined => (work instanceof Task ? work.event : work)

/** Handles it: what a handler gave, checked when it is the output of a call; throws and rejects as the handler does. */
export function outcomeOf(agent: Agent & Partial<CallableAgent>, work: Work): unknown {
  if (work instanceof Task) return work.run()
  if (!(work instanceof IncomingCall)) return agent.handleEvent(work)
  if (agent.beginCall === undefined || agent.endCall === undefined) throw notCallable(agent, work.capability)
  const result = agent.beginCall(work)
  if (!(result instanceof Promise)) return agent.endCall(work, result)
  return result.then((value) => agent.endCall?.(work, value))
}
