import { randomUUID } from 'node:crypto'

let lastMillisecond = 0
let lastTime = ''

/** What a NATS user who speaks CloudEvents makes for each event: id, time and trace of its own. */
export function natsEvent(topic: string, sequence: number, data: unknown): string {
  const now = Date.now()
  if (now !== lastMillisecond) {
    lastMillisecond = now
    lastTime = new Date(now).toISOString()
  }
  const id = randomUUID()
  return JSON.stringify({
    specversion: '1.0',
    id,
    source: 'amcp://12D3KooWBenchBenchBenchBenchBenchBenchBenchBenchBenchBe/0f0e0d0c-0b0a-8908-8706-050403020100',
    type: 'amcp.event',
    subject: topic,
    time: lastTime,
    datacontenttype: 'application/json',
    traceparent: `00-${id.replaceAll('-', '')}-00f067aa0ba902b7-01`,
    sequence: String(sequence).padStart(20, '0'),
    data,
  })
}
