import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { IncomingCall } from '../calls/incoming-call.ts'
import type { AmcpEvent } from '../events/event.ts'
import { checkSchema } from './schema-check.ts'

/** What can wait in an agent's mailbox. */
export type Work = IncomingCall | Task | AmcpEvent

/** Anything but a call and a plain event: it knows itself how to run. */
export abstract class Task {
  readonly priority: number

  constructor(priority: number) {
    this.priority = priority
  }

  abstract run(): unknown
}

type Handler = (event: AmcpEvent) => unknown

/** An event for a handler of its own, or one whose data is checked before `handleEvent` sees it. */
export class EventTask extends Task {
  readonly #event: AmcpEvent
  readonly #schema: StandardSchemaV1 | undefined
  readonly #handler: Handler

  constructor(event: AmcpEvent, schema: StandardSchemaV1 | undefined, handler: Handler) {
    super(event.priority ?? 4)
    this.#event = event
    this.#schema = schema
    this.#handler = handler
  }

  override run(): unknown {
    if (this.#schema === undefined) return this.#handler(this.#event)
    const data = checkSchema(this.#schema, this.#event.data, `data of ${this.#event.subject}`)
    if (data instanceof Promise) return data.then((checked) => this.#handler(withData(this.#event, checked)))
    return this.#handler(withData(this.#event, data))
  }
}

/** A due timer. */
export class TimerTask extends Task {
  readonly #run: () => unknown

  constructor(run: () => unknown) {
    super(4)
    this.#run = run
  }

  override run(): unknown {
    return this.#run()
  }
}

/** A copy, since a received event reads its attributes from bytes and cannot be spread. */
function withData(event: AmcpEvent, data: unknown): AmcpEvent {
  return {
    specversion: event.specversion,
    id: event.id,
    source: event.source,
    type: event.type,
    subject: event.subject,
    time: event.time,
    datacontenttype: event.datacontenttype,
    data,
    correlationid: event.correlationid,
    causationid: event.causationid,
    replyto: event.replyto,
    traceparent: event.traceparent,
    sequence: event.sequence,
    partitionkey: event.partitionkey,
    expirytime: event.expirytime,
    priority: event.priority,
    extensions: event.extensions,
  }
}
