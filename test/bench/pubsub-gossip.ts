import { measureRate } from './harness/rate.ts'

await measureRate({ figure: 'pubsub-gossip', lanes: { lane: 'gossip' }, subscribers: 1 })
