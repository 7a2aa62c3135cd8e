import { nodeCrypto } from '../../../../src/core/node-crypto.ts'
import { SeededRandom } from '../../../../src/core/seeded-random.ts'
import { VirtualClock } from '../../../../src/core/virtual-clock.ts'

export const crypto = nodeCrypto()
export const key = crypto.signingKey(new Uint8Array(32).fill(7))
export const ports = { clock: new VirtualClock(), random: new SeededRandom(3) }
