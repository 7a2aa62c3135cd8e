import { measureRate } from './harness/rate.ts'

await measureRate({ figure: 'pubsub-gossip', lanes: { force: 'gossip' }, subscribers: 1 })
