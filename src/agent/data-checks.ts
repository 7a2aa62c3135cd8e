import type { StandardSchemaV1 } from '@standard-schema/spec'
import { AmcpError } from '../core/errors.ts'
import type { Ports } from '../core/ports.ts'
import { TokenBucket } from '../core/token-bucket.ts'
import { isReadable, UnreadableData } from '../events/data.ts'
import type { AmcpEvent } from '../events/event.ts'
import { ReceivedEvent } from '../events/frame/received-event.ts'
import { checkSchema, type TopicSchemas } from '../events/schemas.ts'
import { CheckedEvent } from './checked-event.ts'

/** What handing on an event gives whose data was not fit: its handler was not called. */
export const DROPPED: unique symbol = Symbol('dropped')

/**
 * Judges the data of events before somebody here reads it. Data is decoded when it is read, so what another context sent may
 * turn out to be no JSON in the reader's hands; and it may not fit. Both are faults of that event alone: it is dropped, counted
 * as `{scope}.data-unreadable` or `{scope}.data-mismatch`, and logged with the path of the fault, a line a second.
 */
export class DataChecks {
  readonly #ports: Pick<Ports, 'counters' | 'logger'>
  readonly #scope: 'agents' | 'context'
  readonly #schemas: TopicSchemas
  readonly #mayLog: TokenBucket

  /** @param schemas of the context, by topic: what arrives from other contexts must fit them */
  constructor(
    { clock, counters, logger }: Pick<Ports, 'clock' | 'counters' | 'logger'>,
    scope: 'agents' | 'context',
    schemas: TopicSchemas,
  ) {
    this.#ports = { counters, logger }
    this.#scope = scope
    this.#schemas = schemas
    this.#mayLog = new TokenBucket(clock, 1, 10)
  }

  /** Whether events must be looked at although their reader has no schema. */
  get isNeeded(): boolean {
    return !this.#schemas.isEmpty
  }

  /**
   * The event with data that can be read and fits; undefined when it was dropped; a promise when the schema is asynchronous.
   * What was published in this process has been through the schemas of the context already.
   */
  read(event: AmcpEvent, schema: StandardSchemaV1 | undefined): AmcpEvent | undefined | Promise<AmcpEvent | undefined> {
    let data: unknown
    try {
      data = event.data
    } catch (fault) {
      return this.#drop(event, fault, 'data-unreadable')
    }
    try {
      let checked = this.isNeeded && event instanceof ReceivedEvent ? this.#schemas.check(event.subject, data) : data
      if (schema !== undefined) checked = checkSchema(schema, checked, `data of ${event.subject}`)
      if (checked instanceof Promise) {
        return checked.then(
          (settled) => new CheckedEvent(event, settled),
          (fault) => this.#drop(event, fault, 'data-mismatch'),
        )
      }
      return checked === data ? event : new CheckedEvent(event, checked)
    } catch (fault) {
      return this.#drop(event, fault, 'data-mismatch')
    }
  }

  /** Hands the event on, read and checked: what the handler gives, or DROPPED. Throws and rejects as the handler does. */
  hand(event: AmcpEvent, schema: StandardSchemaV1 | undefined, handler: (event: AmcpEvent) => unknown): unknown {
    const read = this.read(event, schema)
    if (read === undefined) return DROPPED
    if (!(read instanceof Promise)) return handler(read)
    return read.then((settled) => (settled === undefined ? DROPPED : handler(settled)))
  }

  /**
   * Whether a handler threw because the data of the event, or of one it kept, cannot be read: not its own fault. Counted then.
   * @param event that was handled, if any
   */
  excuses(thrown: unknown, event: AmcpEvent | undefined): boolean {
    if (!(thrown instanceof UnreadableData) && (event === undefined || isReadable(event))) return false
    this.#drop(event, thrown, 'data-unreadable')
    return true
  }

  #drop(event: AmcpEvent | undefined, fault: unknown, kind: 'data-unreadable' | 'data-mismatch'): undefined {
    this.#ports.counters.add(`${this.#scope}.${kind}`)
    if (!this.#mayLog.take()) return
    const path = fault instanceof AmcpError ? fault.details['path'] : undefined
    const { id, source, subject } = event ?? {}
    this.#ports.logger.warn(
      { topic: subject, source, id, path, err: fault },
      'an event was dropped: its data is not fit',
    )
  }
}
