import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Context } from 'amcp-mesh'

export interface Fed {
  readonly read: number
  readonly published: number
  readonly refused: { readonly line: number; readonly reason: string }[]
}

/**
 * Publishes the user's own events, one JSON value a line. A CloudEvent goes to its subject below amcp.domain.user, with
 * its data; any other value goes to amcp.domain.user.line as it is.
 */
export async function feedEvents(context: Context, file: string): Promise<Fed> {
  const refused: Fed['refused'] = []
  let read = 0
  let number = 0
  let published = 0
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
    number += 1
    if (line.trim() === '') continue
    read += 1
    try {
      const parsed = JSON.parse(line) as { subject?: unknown; specversion?: unknown; data?: unknown } | null
      const isEvent = parsed !== null && typeof parsed === 'object' && parsed.specversion === '1.0'
      const topic =
        isEvent && typeof parsed.subject === 'string' ? `amcp.domain.user.${parsed.subject}` : 'amcp.domain.user.line'
      await context.publish(topic, isEvent ? (parsed.data ?? null) : parsed)
      published += 1
    } catch (error) {
      refused.push({ line: number, reason: (error as Error).message })
    }
  }
  return { read, published, refused }
}
