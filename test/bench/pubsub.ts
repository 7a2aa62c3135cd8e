import { measureRate } from './harness/rate.ts'

await measureRate({ figure: 'pubsub', lanes: undefined, subscribers: 1 })
