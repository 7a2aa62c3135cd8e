import type { AmcpEvent } from '../events/event.ts'
import { plainEvent } from '../events/plain-event.ts'

/**
 * An event whose data is what a schema made of it; all else is read from the event as it came, when it is asked for.
 * A getter for each attribute: the compiler asks for one that is forgotten.
 */
export class CheckedEvent implements AmcpEvent, Record<keyof AmcpEvent, unknown> {
  readonly data: unknown
  readonly #event: AmcpEvent

  constructor(event: AmcpEvent, data: unknown) {
    this.#event = event
    this.data = data
  }

  get specversion(): '1.0' {
    return this.#event.specversion
  }
  get id(): string {
    return this.#event.id
  }
  get source(): string {
    return this.#event.source
  }
  get type(): string {
    return this.#event.type
  }
  get subject(): string {
    return this.#event.subject
  }
  get time(): string {
    return this.#event.time
  }
  get datacontenttype(): string {
    return this.#event.datacontenttype
  }
  get correlationid(): string | undefined {
    return this.#event.correlationid
  }
  get causationid(): string | undefined {
    return this.#event.causationid
  }
  get replyto(): string | undefined {
    return this.#event.replyto
  }
  get traceparent(): string | undefined {
    return this.#event.traceparent
  }
  get sequence(): string | undefined {
    return this.#event.sequence
  }
  get partitionkey(): string | undefined {
    return this.#event.partitionkey
  }
  get expirytime(): string | undefined {
    return this.#event.expirytime
  }
  get priority(): number | undefined {
    return this.#event.priority
  }
  get extensions(): Readonly<Record<string, string>> | undefined {
    return this.#event.extensions
  }

  toJSON(): AmcpEvent {
    return plainEvent(this)
  }
}
