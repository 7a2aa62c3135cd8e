import { type CauseChain, extensionsWithin, type ImplyingEvent, impliedTrace, traceWithin } from './cause-chain.ts'
import type { AmcpEvent } from './event.ts'
import { plainEvent } from './plain-event.ts'

/** Type of events that name none. */
const DEFAULT_TYPE = 'amcp.domain.event'

/** What a publisher may say of an event. What is given here wins over what follows from the event being handled. */
export interface PublishOptions {
  /** A type of the registry, or below one of its open prefixes. @default 'amcp.domain.event' */
  type?: string
  /** 0 (lowest) to 9. @default 4 */
  priority?: number
  /** @default that of the event being handled; else the event's own id */
  correlationid?: string
  /** @default id of the event or call being handled */
  causationid?: string
  /** W3C trace context. @default the trace of the event being handled, and a span of its own */
  traceparent?: string
  partitionkey?: string
  /** RFC 3339. After it the event is handed to nobody any more. ERR_EVENT_EXPIRED when it has passed already. */
  expirytime?: string
  /** When data is bytes. @default 'application/octet-stream' */
  datacontenttype?: string
  /** Further CloudEvents attributes: lower-case letters and digits. */
  extensions?: Readonly<Record<string, string>>
}

/**
 * An event made here. Attributes that follow from others are made when somebody reads them: subscribers of this process
 * may, the wire leaves them out. Most events have no options and no cause, so these lie apart.
 */
export class PublishedEvent implements ImplyingEvent {
  readonly id: string
  readonly source: string
  readonly subject: string
  readonly time: string
  readonly data: unknown
  readonly #options: PublishOptions | undefined
  readonly #chain: CauseChain | undefined

  // Positional, because it runs once an event.
  constructor(
    id: string,
    source: string,
    topic: string,
    time: string,
    data: unknown,
    options: PublishOptions | undefined,
    chain: CauseChain | undefined,
  ) {
    this.id = id
    this.source = source
    this.subject = topic
    this.time = time
    this.data = data
    // The caller's object may be used again for another event while this one waits in a mailbox.
    this.#options = options === undefined ? undefined : { ...options }
    this.#chain = chain
  }

  /** Without any optional attribute. */
  get isBare(): boolean {
    return this.#options === undefined && this.#chain === undefined
  }
  get specversion(): '1.0' {
    return '1.0'
  }
  get type(): string {
    return this.#options?.type ?? DEFAULT_TYPE
  }
  get datacontenttype(): string {
    const given = this.#options?.datacontenttype
    return given ?? (this.data instanceof Uint8Array ? 'application/octet-stream' : 'application/json')
  }
  get givenCorrelation(): string | undefined {
    return this.#options?.correlationid ?? this.#chain?.correlationid
  }
  get correlationid(): string {
    return this.givenCorrelation ?? this.id
  }
  get causationid(): string | undefined {
    return this.#options?.causationid ?? this.#chain?.causationid
  }
  get givenTrace(): string | undefined {
    const given = this.#options?.traceparent
    if (given !== undefined || this.#chain === undefined) return given
    return traceWithin(this.#chain, this.id, this.#options?.correlationid)
  }
  get traceparent(): string | undefined {
    return this.givenTrace ?? impliedTrace(this.id, this.correlationid)
  }
  get partitionkey(): string | undefined {
    return this.#options?.partitionkey
  }
  get expirytime(): string | undefined {
    return this.#options?.expirytime
  }
  get priority(): number | undefined {
    return this.#options?.priority
  }
  get extensions(): Readonly<Record<string, string>> | undefined {
    const given = this.#options?.extensions
    // A tracestate belongs to its traceparent: the caller's own has none from us.
    return this.#options?.traceparent === undefined ? extensionsWithin(this.#chain, given) : given
  }

  toJSON(): AmcpEvent {
    return plainEvent(this)
  }
}
