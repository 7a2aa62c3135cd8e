export type { Random } from '../core/random.ts'
export { SeededRandom } from '../core/seeded-random.ts'
export { VirtualClock } from '../core/virtual-clock.ts'
export type { Conditions, SwarmEvent } from '../network/simulated/conditions.ts'
export {
  type SimulatedNetworkOptions,
  type SimulatedSwarm,
  type SwarmOptions,
  simulatedSwarm,
} from '../network/simulated/swarm.ts'
export type { Topology } from '../network/simulated/topology.ts'
export { keepMoving, type Mover } from './keep-moving.ts'
export { type SimulateOptions, type Simulation, type SimulationResult, simulate } from './simulate.ts'
export type { SimulatedContext, SimulatedContextOptions } from './simulated-context.ts'
export type { Trace } from './trace.ts'
