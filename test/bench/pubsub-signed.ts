import { measureRate } from './harness/rate.ts'

await measureRate({ figure: 'pubsub-signed', lanes: { force: 'direct', signDirect: true }, subscribers: 1 })
