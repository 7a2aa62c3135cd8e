import { createContext } from 'amcp-mesh'
import { analyzer } from './analyzer.ts'

// A mesh of its own; `createContext({ folder: '.amcp' })` runs a context that `amcp init` or `amcp join` made.
await using context = await createContext()
await context.spawn(analyzer)

const alerts = context.subscribe('amcp.domain.alert.>')
await context.publish('amcp.domain.telemetry.cpu', { host: 'edge-1', load: 0.97 })
for await (const alert of alerts) {
  console.log(alert.subject, alert.data)
  break
}
const verdict = await context.call('anomaly.detect', { host: 'edge-1', load: 0.97 }, { deadline: 2_000 })
console.log(verdict)
