import fc from 'fast-check'
import { expect, test } from 'vitest'
import { OwnChain, ReceivedChain } from '../../src/broker/mesh/chains.ts'
import { nodeCrypto } from '../../src/core/node-crypto.ts'
import { SeededRandom } from '../../src/core/seeded-random.ts'
import { VirtualClock } from '../../src/core/virtual-clock.ts'
import { type Frame, readFrame } from '../../src/events/frame/frame-reader.ts'
import { FrameWriter } from '../../src/events/frame/frame-writer.ts'
import { eventOf } from '../unit/broker/world.ts'

/** Slots that a chain remembers. */
const WINDOW = 32
const LENGTH = 80

const crypto = nodeCrypto()
const key = crypto.signingKey(new Uint8Array(32).fill(7))
const ports = { clock: new VirtualClock(), random: new SeededRandom(3) }
const zeros = new Uint8Array(16)
const fields = { meshHash: zeros, publisher: key.publicKey, incarnation: zeros, membershipHash: zeros }

function frameOf(n: number, predecessor: Uint8Array, word: string): Frame {
  const writer = new FrameWriter({ crypto })
  writer.add(eventOf(ports, 'amcp://x/y', 'amcp.t', word), n, 3, undefined)
  const chain = { kind: 'gossip', n, predecessor } as const
  return readFrame(writer.finish({ ...fields, generation: 0, time: 1, chain }, (digest) => key.sign(digest)))
}

function chainOf(word: string, from: readonly Frame[] = []): Frame[] {
  const own = new OwnChain()
  for (const frame of from) own.signed(frame.headerDigest(crypto))
  const frames = [...from]
  while (frames.length < LENGTH) {
    const frame = frameOf(own.n, own.predecessor, `${word} ${own.n}`)
    own.signed(frame.headerDigest(crypto))
    frames.push(frame)
  }
  return frames
}

const honest = chainOf('honest')
const record = (chain: ReceivedChain, frame: Frame) =>
  chain.record(frame, frame.header.place!.n, frame.header.place!.predecessor, frame.headerDigest(crypto))

test('an honest chain is never evidence, whatever is lost, doubled or out of order; nothing in the window is taken twice or refused', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: LENGTH - 1 }), { minLength: 1, maxLength: 150 }), (arrivals) => {
      const chain = new ReceivedChain()
      const taken = new Set<number>()
      let highest = -1
      for (const n of arrivals) {
        const state = record(chain, honest[n]!)
        const isOld = n <= highest - WINDOW
        expect(state).toBe(isOld ? 'old' : taken.has(n) ? 'seen' : 'new')
        if (state === 'new') taken.add(n)
        highest = Math.max(highest, n)
      }
      expect(chain.isQuarantined).toBe(false)
    }),
  )
})

test('looking records nothing, and says what recording will', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: LENGTH - 1 }), { minLength: 1, maxLength: 80 }), (arrivals) => {
      const chain = new ReceivedChain()
      for (const n of arrivals) {
        const digest = honest[n]!.headerDigest(crypto)
        const looks = [chain.look(n, digest), chain.look(n, digest)]
        expect(looks[0]).toBe(looks[1])
        expect(record(chain, honest[n]!)).toBe(looks[0])
      }
    }),
  )
})

test('who forks its chain is found as soon as two frames of the branches meet: one slot, or one step apart', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: WINDOW }),
      fc.array(fc.tuple(fc.nat({ max: LENGTH - 1 }), fc.boolean()), { minLength: 1, maxLength: 60 }),
      (forkAt, arrivals) => {
        const forked = forks[forkAt - 1]!
        const chain = new ReceivedChain()
        /** Which branch is remembered for a slot that both have. */
        const held = new Map<number, boolean>()
        let highest = -1
        for (const [n, isFork] of arrivals) {
          const state = record(chain, (isFork ? forked : honest)[n]!)
          if (n <= highest - WINDOW) {
            expect(state).toBe('old')
            continue
          }
          const isOther = (at: number): boolean => at >= forkAt && held.has(at) && held.get(at) !== isFork
          const remembers = (at: number): boolean => at > highest - WINDOW && at >= 0
          const meets = n >= forkAt && [n - 1, n, n + 1].some((at) => remembers(at) && isOther(at))
          if (meets) {
            expect(state).toMatchObject({ n })
            expect(chain.isQuarantined).toBe(true)
            return
          }
          expect(['new', 'seen']).toContain(state)
          held.set(n, isFork)
          highest = Math.max(highest, n)
        }
        expect(chain.isQuarantined).toBe(false)
      },
    ),
  )
})

/** Chains that leave the honest one after 1, 2, … frames. */
const forks = Array.from({ length: WINDOW }, (_, at) => chainOf('fork', honest.slice(0, at + 1)))
