import { nodeCrypto } from '../../src/core/node-crypto.ts'
import type { AmcpEvent } from '../../src/events/event.ts'
import { readFrame } from '../../src/events/frame/frame-reader.ts'
import { FrameWriter } from '../../src/events/frame/frame-writer.ts'
import { printFigure } from './harness/pairs.ts'

/** The codec against JSON, ns an event: `node test/bench/codec.ts` prints all that it times. Frames of 64 events of about 630 bytes of JSON. */
const crypto = nodeCrypto()
const EVENTS = 64
const ROUNDS = 1500
const REPEATS = 7

const hex = (length: number): string =>
  Array.from({ length }, () => Math.floor(Math.random() * 16).toString(16)).join('')
const uuid = (): string => `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`
const source = 'amcp://12D3KooWBmwkafWE2fqfzS96VoTZgpGp6aJsF4N5hHdZgAvKcbC4/6f8f5a24-08b1-8f0e-9c1d-2f6b9f1a7c55'
const events: AmcpEvent[] = Array.from({ length: EVENTS }, (_, n) => ({
  specversion: '1.0',
  id: uuid(),
  source,
  type: 'amcp.domain.telemetry.reading',
  subject: `amcp.domain.telemetry.plant.${n % 4}`,
  time: new Date(1_700_000_000_000 + (n >> 3)).toISOString(),
  datacontenttype: 'application/json',
  correlationid: uuid(),
  traceparent: `00-${hex(32)}-${hex(16)}-01`,
  data: {
    machine: `press-${n}`,
    readings: { load: Math.random(), temperature: 61.25 + n, rpm: 1480 + n, pressure: 4.02 },
    tags: ['edge', 'line-4', 'shift-b'],
    status: 'nominal',
    operator: 'night crew',
    note: 'vibration within limits, next inspection after 400 hours of service',
  },
}))
const token = new Uint8Array(16).fill(7)
const hash = new Uint8Array(16)
const fields = {
  meshHash: hash,
  publisher: new Uint8Array(32),
  incarnation: hash,
  membershipHash: hash,
  generation: 0,
  time: 1_700_000_000_000,
}
const writer = new FrameWriter({ crypto })
let sequence = 0
function encode(): Uint8Array {
  for (const event of events) writer.add(event, sequence++, 3, token)
  return writer.finish(fields)
}

function measure(run: () => unknown): number {
  const samples: number[] = []
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    const start = process.hrtime.bigint()
    for (let round = 0; round < ROUNDS; round++) run()
    samples.push(Number(process.hrtime.bigint() - start) / ROUNDS / EVENTS)
  }
  return samples.sort((a, b) => a - b)[REPEATS >> 1]!
}

const texts = events.map((event) => JSON.stringify(event))
const datas = events.map((event) => JSON.stringify(event.data))
const frame = encode().slice()
let sink: unknown
const times = {
  'JSON encode whole event': measure(() => {
    for (const event of events) sink = Buffer.from(JSON.stringify(event))
  }),
  'JSON.stringify data only': measure(() => {
    for (const event of events) sink = JSON.stringify(event.data)
  }),
  'frame encode': measure(encode),
  'JSON decode whole event': measure(() => {
    for (const text of texts) sink = JSON.parse(text)
  }),
  'JSON.parse data only': measure(() => {
    for (const text of datas) sink = JSON.parse(text)
  }),
  'frame decode, nothing read': measure(() => {
    sink = readFrame(frame).events()
  }),
  'frame decode, id read': measure(() => {
    for (const event of readFrame(frame).events()) sink = event.id
  }),
  'frame decode, id, time, correlation, trace read': measure(() => {
    for (const event of readFrame(frame).events()) sink = [event.id, event.time, event.correlationid, event.traceparent]
  }),
  'frame decode, data read': measure(() => {
    for (const event of readFrame(frame).events()) sink = event.data
  }),
}
for (const [name, ns] of Object.entries(times)) console.log(`${name.padEnd(50)} ${ns.toFixed(0).padStart(6)} ns`)
const compare = (figure: string, value: number, rivalValue: number): void =>
  printFigure({
    ...{ figure, value, unit: 'ns/event', rival: 'JSON of the whole event', rivalValue, ratio: value / rivalValue },
    conditions: { jsonBytes: texts[0]!.length, frameBytes: Math.round(frame.length / EVENTS), repeats: REPEATS },
  })
compare('codec', times['frame encode'], times['JSON encode whole event'])
compare('codec-decode', times['frame decode, data read'], times['JSON decode whole event'])
if (sink === undefined) throw new Error('nothing was decoded')
