import { setTimeout as wait } from 'node:timers/promises'
import { Command } from 'commander'
import type { Alert } from './analyzer.ts'
import { now } from './clock.ts'
import { proveDelivery, resumeSensors } from './delivery.ts'
import { Factory } from './factory.ts'
import { proveFeeding } from './feeding.ts'
import type { PlaceName } from './place.ts'
import { type Proof, printProofs } from './proofs.ts'
import { readableFile } from './readable-file.ts'
import { proveLoad, proveMesh, proveRecovery } from './story.ts'

/** Warm-up of the sensors and a window of readings for the analyzers. */
const calm = 6_000
const loadLength = 5_000

const { events, serve = false } = new Command('smart-factory')
  .description(
    "A factory of four processes on this machine's own telemetry. Prints what it proved; exit code 0 if all held.",
  )
  .option('--events <file.ndjson>', 'feed your own events instead, one JSON value or CloudEvent a line', readableFile)
  .option('--serve', 'keep running for amcp tap, call and publish from another terminal')
  .parse()
  .opts<{ events?: string; serve?: boolean }>()

const alerts: { alert: Alert; at: number }[] = []
/** When each place first heard of edge-1's second life. */
const backAt = new Map<PlaceName, number>()
await using factory = new Factory((from, news) => {
  const { kind, ...more } = news as { kind: string; alert?: Alert; host?: string }
  if (kind === 'alert' && more.alert !== undefined) {
    alerts.push({ alert: more.alert, at: now() })
    const { host, analyzer, value, score } = more.alert
    console.log(
      `operator: ${analyzer} says ${host} uses ${value.toFixed(2)} processors (modified z-score ${score.toFixed(1)})`,
    )
  }
  if (kind === 'back' && !backAt.has(from)) backAt.set(from, now())
})

const say = (text: string): void => console.log(`· ${text}`)
const proofs: Proof[] = []

say('starting plant, edge-1, edge-2 and operator')
proofs.push(await proveMesh(factory))
if (events === undefined) {
  say('watching this machine at rest')
  await wait(calm)
  say('keeping a processor busy inside edge-2')
  proofs.push(...(await proveLoad(factory, alerts, loadLength)))
  say('killing edge-1 and starting it again')
  proofs.push(...(await proveRecovery(factory, backAt)))
  await wait(1_000)
  proofs.push(...(await proveDelivery(factory)))
  if (serve) await resumeSensors(factory)
  proofs.push({ what: 'no alert without a load', seen: `${alerts.length} in all, 1 load`, holds: alerts.length === 1 })
} else {
  proofs.push(...(await proveFeeding(factory, events)))
}
printProofs(proofs)

if (serve) {
  say(`running; in another terminal: npx amcp tap --folder ${factory.folder('operator')}   (Ctrl-C ends)`)
  await new Promise<void>((resolve) => process.once('SIGINT', resolve))
}
process.exitCode = proofs.every(({ holds }) => holds) ? 0 : 1
