import { ServiceBroker } from 'moleculer'
import type { CallFigures } from './harness/drive.ts'
import { freePort } from './harness/free-port.ts'
import { median, pairCount, printFigure, windowSeconds } from './harness/pairs.ts'
import { type Role, startRole } from './harness/role.ts'
import { meshSide, natsSide, startNatsServer } from './harness/sides.ts'

/** Calls by capability between two processes, against NATS request/reply and Moleculer over TCP. */

async function moleculerPair(): Promise<Role & { other: Role }> {
  const [first, second] = [await freePort(), await freePort()]
  const urls = [`127.0.0.1:${first}/callee`, `127.0.0.1:${second}/caller`]
  const other = await startRole('moleculer-node', { nodeId: 'callee', port: first, urls, echo: true })
  const caller = await startRole('moleculer-node', { nodeId: 'caller', port: second, urls, echo: false })
  return { ...caller, other }
}

await using server = await startNatsServer()
await using ours = await meshSide(undefined)
await using nats = await natsSide(server)
const moleculer = await moleculerPair()

const run = (role: Role, inFlight: number): Promise<CallFigures> =>
  role.ask<CallFigures>('calls', { inFlight, seconds: windowSeconds })
const sides = { ours: ours.publisher, nats: nats.publisher, moleculer } as const

for (const inFlight of [64, 1]) {
  const samples: Record<keyof typeof sides, CallFigures>[] = []
  for (const role of Object.values(sides)) await run(role, inFlight)
  for (let pair = 0; pair < pairCount; pair += 1) {
    samples.push({
      ours: await run(sides.ours, inFlight),
      nats: await run(sides.nats, inFlight),
      moleculer: await run(sides.moleculer, inFlight),
    })
  }
  const print = (figure: string, rival: 'nats' | 'moleculer', what: 'perSecond' | 'p50'): void =>
    printFigure({
      figure,
      value: median(samples.map((sample) => sample.ours[what])),
      unit: what === 'p50' ? 'ms' : 'calls/s',
      rival:
        rival === 'nats'
          ? `nats-server ${server.version}`
          : `moleculer ${ServiceBroker.MOLECULER_VERSION} over TCP, not encrypted`,
      rivalValue: median(samples.map((sample) => sample[rival][what])),
      ratio: median(samples.map((sample) => sample.ours[what] / sample[rival][what])),
      conditions: {
        inFlight,
        pairs: pairCount,
        seconds: windowSeconds,
        ours: 'encrypted; input and output checked by a schema, as no rival does',
      },
    })
  if (inFlight === 64) {
    print('call', 'nats', 'perSecond')
    print('call-moleculer', 'moleculer', 'perSecond')
  } else {
    print('call-1', 'nats', 'p50')
    print('call-1-moleculer', 'moleculer', 'p50')
  }
}
await moleculer[Symbol.asyncDispose]()
await moleculer.other[Symbol.asyncDispose]()
