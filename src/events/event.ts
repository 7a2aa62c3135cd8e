/**
 * An AMCP event as handlers see it: a CloudEvents 1.0 event with AMCP's attributes as extensions.
 * Most attributes are read when they are asked for, so an event cannot be spread: `JSON.stringify` gives all of them.
 * `subject` is the topic; `source` is `amcp://{origin context}/{agent}` for the agent's whole life.
 * @see AMCP 1.5 specification 3.1, CloudEvents 1.0.2
 */
export interface AmcpEvent<T = unknown> {
  readonly specversion: '1.0'
  /** A UUID. */
  readonly id: string
  readonly source: string
  /** A type of the registry in `event-types.ts`, or below one of its open prefixes. */
  readonly type: string
  /** The concrete topic the event was published to. */
  readonly subject: string
  /** RFC 3339 with milliseconds, UTC. */
  readonly time: string
  /** `application/json`, or another type when `data` is bytes. */
  readonly datacontenttype: string
  /** JSON value or Uint8Array; decoded when first read on a received event. */
  readonly data: T
  /** The same through a chain of causes; the id of its first event unless somebody gave another. */
  readonly correlationid?: string | undefined
  /** Id of the event or call whose handler published this one; undefined for what nothing here caused. */
  readonly causationid?: string | undefined
  /** Topic that a reply goes to. */
  readonly replyto?: string | undefined
  /** W3C trace context: one trace for a chain of causes, a span for each event. */
  readonly traceparent?: string | undefined
  /** Zero-padded decimal number of the event in (context, incarnation, shard). */
  readonly sequence?: string | undefined
  readonly partitionkey?: string | undefined
  /** RFC 3339. An event that is past it is dropped instead of handed to a handler. */
  readonly expirytime?: string | undefined
  /** 0 (lowest) to 9. @default 4 */
  readonly priority?: number | undefined
  /** Other CloudEvents extensions by name: lower-case letters and digits. */
  readonly extensions?: Readonly<Record<string, string>> | undefined
}
