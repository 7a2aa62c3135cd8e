import { ServiceBroker } from 'moleculer'
import type { CallFigures } from './harness/drive.ts'
import { freePort } from './harness/free-port.ts'
import { comparePairs, measureRounds, printFigure, windowSeconds } from './harness/pairs.ts'
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
const rivals = {
  nats: { rival: 'nats-server', rivalVersion: server.version },
  moleculer: { rival: 'moleculer', rivalVersion: ServiceBroker.MOLECULER_VERSION, link: 'TCP, not encrypted' },
} as const

for (const inFlight of [64, 1]) {
  for (const role of Object.values(sides)) await run(role, inFlight)
  const rounds = await measureRounds({
    ours: () => run(sides.ours, inFlight),
    nats: () => run(sides.nats, inFlight),
    moleculer: () => run(sides.moleculer, inFlight),
  })
  const print = (figure: string, against: keyof typeof rivals, what: 'perSecond' | 'p50'): void => {
    const compared = comparePairs(rounds.map((round) => [round.ours[what], round[against][what]]))
    const { value, rivalValue, ratio, spread, pairs } = compared
    const { rival, ...version } = rivals[against]
    printFigure({
      figure,
      value,
      unit: what === 'p50' ? 'ms' : 'calls/s',
      ...{ rival, rivalValue, ratio },
      conditions: {
        ...version,
        ...{ inFlight, pairs, spread, seconds: windowSeconds },
        ours: 'encrypted; input and output checked by a schema, as no rival does',
      },
    })
  }
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
