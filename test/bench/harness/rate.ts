import { measurePairs, printFigure, windowSeconds } from './pairs.ts'
import { type LaneChoice, meshSide, natsSide, startNatsServer } from './sides.ts'
import { type Transfer, transfer } from './transfer.ts'

export interface RateFigure {
  readonly figure: string
  readonly lanes: LaneChoice | undefined
  readonly subscribers: number
}

/** Events a second that subscribers read, against NATS core doing the same work. */
export async function measureRate({ figure, lanes, subscribers }: RateFigure): Promise<void> {
  await using server = await startNatsServer()
  await using ours = await meshSide(lanes, subscribers)
  await using rival = await natsSide(server, subscribers)
  const lost = { ours: 0, rival: 0 }
  const rate = async (side: 'ours' | 'rival', run: () => Promise<Transfer>): Promise<number> => {
    const { perSecond, published, received } = await run()
    lost[side] += published * subscribers - received
    return perSecond
  }
  const mesh = () => rate('ours', () => transfer(ours.publisher, ours.subscribers, windowSeconds))
  const nats = () => rate('rival', () => transfer(rival.publisher, rival.subscribers, windowSeconds))
  await mesh() // warm-up of both compilers and of the links
  await nats()
  lost.ours = 0
  lost.rival = 0
  const { value, rivalValue, ratio, spread, pairs } = await measurePairs(mesh, nats)
  printFigure({
    figure,
    value,
    unit: 'events/s',
    rival: 'nats-server',
    rivalValue,
    ratio,
    conditions: {
      rivalVersion: server.version,
      subscribers,
      lanes: lanes ?? 'chosen by the mesh',
      pairs,
      spread,
      lost,
      seconds: windowSeconds,
      data: 'about 250 B JSON',
    },
  })
}
