import { measureRate } from './harness/rate.ts'

await measureRate({ figure: 'pubsub-signed', lanes: { lane: 'direct', signDirect: true }, subscribers: 1 })
