import type { Context } from '../context.ts'
import { AmcpError } from '../core/errors.ts'
import type { AmcpEvent } from '../events/event.ts'
import { fromStructured, toStructured } from '../events/json-codec.ts'
import { type ControlError, toControlError } from './control-protocol.ts'
import type { ControlMethod } from './control-server.ts'

/** One row of `amcp agents`. */
export interface AgentRow {
  readonly agent: string
  readonly type: string
  readonly name: string
  readonly status: string
}

/** Data for a topic, or a CloudEvent, which goes to its subject where no topic is named. */
export type PublishRequest =
  | { readonly topic: string; readonly data: unknown }
  | { readonly topic?: string; readonly event: object }

/** What `tap` yields: once that it listens, then each event, or why it cannot be shown. */
export type TapItem = { readonly ready: true } | { readonly event: unknown } | { readonly unreadable: UnreadableEvent }

export interface UnreadableEvent {
  readonly id: string
  readonly source: string
  readonly subject: string
  readonly error: ControlError
}

/** What other processes of this user may ask the running context to do. */
export function controlMethods(context: Context): Readonly<Record<string, ControlMethod>> {
  return {
    status: async () => ({
      context: context.id,
      addresses: context.addresses,
      members: context.members,
      unconfirmed: context.unconfirmed,
      metrics: context.metrics(),
    }),
    agents: async (): Promise<AgentRow[]> =>
      [...context.agents.list].map(({ id, type, name, status }) => ({
        agent: id,
        type,
        name: name ?? '',
        status,
      })),
    call: async ({ target, input, deadline }: { target: string; input: unknown; deadline: number }, signal) => ({
      output: await context.call(target, input, { deadline, signal }),
    }),
    publish: (request: PublishRequest) => publish(context, request),
    tap: ({ pattern }: { pattern: string }, signal) => tap(context, pattern, signal),
  }
}

async function publish(context: Context, request: PublishRequest): Promise<void> {
  if ('data' in request) return context.publish(request.topic, request.data)
  const { topic, data, options } = fromStructured(request.event)
  const to = request.topic ?? topic
  if (to === undefined)
    throw new AmcpError('ERR_USAGE', 'this CloudEvent has no subject, so a topic is needed: amcp publish TOPIC')
  await context.publish(to, data, options)
}

async function* tap(context: Context, pattern: string, signal: AbortSignal): AsyncIterable<TapItem> {
  using events = context.subscribe(pattern, { raw: true })
  const end = (): void => events.unsubscribe()
  signal.addEventListener('abort', end, { once: true })
  try {
    await events.ready
    yield { ready: true }
    for await (const event of events) yield shown(event)
  } finally {
    signal.removeEventListener('abort', end)
  }
}

/** Whoever publishes data that nobody can read must not end the taps of all others. */
function shown(event: AmcpEvent): TapItem {
  try {
    return { event: toStructured(event) }
  } catch (fault) {
    const { id, source, subject } = event
    return { unreadable: { id, source, subject, error: toControlError(fault) } }
  }
}
