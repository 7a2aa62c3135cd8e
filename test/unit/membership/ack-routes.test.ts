import { expect, test } from 'vitest'
import { Counters } from '../../../src/core/counters.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { SeededRandom } from '../../../src/core/seeded-random.ts'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'
import { AckRoutes } from '../../../src/membership/ack-routes.ts'
import { OwnEntry } from '../../../src/membership/own-entry.ts'
import { StateMap } from '../../../src/membership/state-map.ts'
import { crypto, idOf, wordCredentials } from './fake-mesh.ts'

test('an acknowledgement whose way back is gone is counted', () => {
  const ports = {
    clock: new VirtualClock(),
    random: new SeededRandom(1),
    crypto,
    logger: silentLogger,
    counters: new Counters(),
  }
  const map = new StateMap(crypto, idOf(1), 30_000)
  for (const n of [1, 2]) map.apply(new OwnEntry(ports, wordCredentials(n), idOf(n), '0'.repeat(32)).issue({}), 0)
  const arrived: unknown[] = []
  const routes = new AckRoutes({ ports, map, links: new Map(), arrived: (...ack) => arrived.push(ack) }, idOf(1))
  routes.cameBy(idOf(2), idOf(3))
  routes.pass([idOf(2), 1, idOf(1)])
  routes.forget(idOf(2))
  routes.pass([idOf(2), 1, idOf(1)])
  expect(ports.counters.get('membership.ack.no-way-back')).toBe(2)
  routes.pass([idOf(1), 1, idOf(2)])
  expect(arrived).toEqual([[idOf(2), 1]])
})
