import { measureRate } from './harness/rate.ts'

await measureRate({ figure: 'fanout', lanes: undefined, subscribers: 8 })
