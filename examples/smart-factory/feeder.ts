import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Context } from 'amcp-mesh'

export interface Fed {
  readonly read: number
  readonly published: number
  readonly refused: { readonly line: number; readonly reason: string }[]
}

interface CloudEvent {
  readonly specversion: unknown
  readonly subject?: unknown
  readonly data?: unknown
  readonly data_base64?: unknown
}

const isEvent = (value: unknown): value is CloudEvent =>
  typeof value === 'object' && value !== null && 'specversion' in value

/** Where a line goes, and what is published there. */
function read(line: string): { topic: string; data: unknown } {
  const value = JSON.parse(line) as unknown
  if (!isEvent(value)) return { topic: 'amcp.domain.user.line', data: value }
  const { specversion, subject = 'line', data = null, data_base64: bytes } = value
  if (specversion !== '1.0') throw new TypeError(`its specversion is ${JSON.stringify(specversion)}, not "1.0"`)
  if (typeof subject !== 'string') throw new TypeError('its subject is no text')
  if (bytes !== undefined) throw new TypeError('its data is bytes, which amcp publish takes and this example does not')
  return { topic: `amcp.domain.user.${subject}`, data }
}

/**
 * Publishes the user's own events, one JSON value a line. A CloudEvent goes to its subject below amcp.domain.user, with
 * its data; any other value goes to amcp.domain.user.line as it is.
 */
export async function feedEvents(context: Context, file: string): Promise<Fed> {
  const refused: Fed['refused'] = []
  let lines = 0
  let number = 0
  let published = 0
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
    number += 1
    if (line.trim() === '') continue
    lines += 1
    try {
      const { topic, data } = read(line)
      await context.publish(topic, data)
      published += 1
    } catch (error) {
      refused.push({ line: number, reason: (error as Error).message })
    }
  }
  return { read: lines, published, refused }
}
