import { describe, test } from 'vitest'
import type { EventBroker } from '../../src/broker/event-broker.ts'
import type { MeshBrokerOptions } from '../../src/broker/mesh/mesh-broker.ts'
import { keepMoving } from '../../src/sim/keep-moving.ts'
import { brokerConformance, type OpenBroker } from '../../src/testing/broker.ts'
import { World } from '../unit/broker/world.ts'

const open = (options: MeshBrokerOptions) => async (): Promise<OpenBroker> => {
  const world = new World()
  const [one, other] = await world.grow(2, options)
  const mover = keepMoving(world.clock)
  return {
    publisher: one!.broker,
    subscriber: settled(other!.broker, () => mover.pass(2_000)),
    event: one!.event,
    settle: () => mover.pass(1_000),
    async [Symbol.asyncDispose]() {
      await Promise.all([one!.broker.stop(), other!.broker.stop()])
      await mover.stop()
    },
  }
}

/** Gossip needs a moment after a subscription; with real members that is part of `subscribe`. */
const settled = (broker: EventBroker, settle: () => Promise<void>): EventBroker => ({
  start: () => broker.start(),
  stop: () => broker.stop(),
  publish: (event) => broker.publish(event),
  async subscribe(pattern, deliver) {
    const subscription = await broker.subscribe(pattern, deliver)
    await settle()
    return subscription
  },
})

brokerConformance('mesh, lane chosen by the mesh', { describe, test, open: open({}) })
brokerConformance('mesh, direct lane signed', { describe, test, open: open({ lane: 'direct', signDirect: true }) })
brokerConformance('mesh, gossip lane', { describe, test, open: open({ lane: 'gossip' }) })
