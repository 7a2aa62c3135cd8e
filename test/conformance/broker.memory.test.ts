import { describe, test } from 'vitest'
import { memoryBroker } from '../../src/broker/memory/memory-broker.ts'
import { SeededRandom } from '../../src/core/seeded-random.ts'
import { VirtualClock } from '../../src/core/virtual-clock.ts'
import { brokerConformance } from '../../src/testing/broker.ts'
import { eventOf } from '../unit/broker/world.ts'

brokerConformance('memory', {
  describe,
  test,
  async open() {
    const ports = { clock: new VirtualClock(), random: new SeededRandom(1) }
    const broker = memoryBroker()
    await broker.start()
    const source = 'amcp://12D3KooWGzBYRbXmCHSkDvDNJLdBPVKkJKKXAnyBKGiXcWVfXjRp/6f8f5a24-08b1-8f0e-9c1d-2f6b9f1a7c55'
    return {
      publisher: broker,
      subscriber: broker,
      event: (topic, data = null) => eventOf(ports, source, topic, data),
      settle: async () => {},
      [Symbol.asyncDispose]: () => broker.stop(),
    }
  },
})
