import { fromString } from 'uint8arrays/from-string'
import type { Context } from '../context.ts'
import type { AmcpEvent } from '../events/event.ts'
import { toStructured } from '../events/json-codec.ts'
import type { ControlMethod } from './control-server.ts'

/** One row of `amcp agents`. */
export interface AgentRow {
  readonly agent: string
  readonly type: string
  readonly name: string
  readonly status: string
}

export interface PublishRequest {
  readonly topic: string
  readonly data: unknown
  /** Instead of data: bytes, which JSON has no form for. */
  readonly base64?: string
  readonly options: Readonly<Record<string, unknown>>
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
    publish: async ({ topic, data, base64, options }: PublishRequest) => {
      await context.publish(topic, base64 === undefined ? data : fromString(base64, 'base64pad'), options)
    },
    tap: ({ pattern }: { pattern: string }, signal) => tap(context, pattern, signal),
  }
}

async function* tap(context: Context, pattern: string, signal: AbortSignal): AsyncIterable<unknown> {
  using events = context.subscribe(pattern)
  const end = (): void => events.unsubscribe()
  signal.addEventListener('abort', end, { once: true })
  try {
    await events.ready
    yield { ready: true }
    for await (const event of events) yield { event: toStructured(event as AmcpEvent) }
  } finally {
    signal.removeEventListener('abort', end)
  }
}
