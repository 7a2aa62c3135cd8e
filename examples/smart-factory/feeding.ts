import type { Report } from './delivery.ts'
import type { Factory } from './factory.ts'
import type { Fed } from './feeder.ts'
import type { Proof } from './proofs.ts'
import { until } from './until.ts'

/** Feeds a file of the user's own events into edge-1 and waits for them at the plant and the operator. */
export async function proveFeeding(factory: Factory, file: string): Promise<Proof[]> {
  const fed = await factory.place('edge-1').ask<Fed>('feed', file)
  for (const { line, reason } of fed.refused) console.error(`line ${line} was refused: ${reason}`)
  const proofs: Proof[] = [
    {
      what: 'lines of the file published',
      seen: fed.read === 0 ? 'none: the file has only empty lines' : `${fed.published} of ${fed.read}`,
      holds: fed.published === fed.read && fed.read > 0,
    },
  ]
  for (const place of ['plant', 'operator'] as const) {
    const received = async (): Promise<number> => (await factory.place(place).ask<Report>('report')).userEvents
    const holds = await until(async () => (await received()) === fed.published, 5_000)
    proofs.push({ what: `your events at the ${place}`, seen: `${await received()} received`, holds })
  }
  return proofs
}
