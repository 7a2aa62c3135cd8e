import { expect, test } from 'vitest'
import { Reach } from '../../../../src/broker/mesh/reach.ts'
import { Counters } from '../../../../src/core/counters.ts'
import { AmcpError } from '../../../../src/core/errors.ts'
import { silentLogger } from '../../../../src/core/logger.ts'
import { SeededRandom } from '../../../../src/core/seeded-random.ts'
import { simulatedCrypto } from '../../../../src/core/simulated-crypto.ts'
import { VirtualClock } from '../../../../src/core/virtual-clock.ts'
import type { MessageStream } from '../../../../src/network/network.ts'

function world(open: (attempt: number) => Promise<MessageStream>) {
  const clock = new VirtualClock()
  const counters = new Counters()
  const ports = { clock, counters, random: new SeededRandom(1), crypto: simulatedCrypto(), logger: silentLogger }
  const state = { isOpen: false, accepted: 0, closed: 0, attempts: 0, clock, counters }
  const stream = { close: async () => void state.closed++ } as unknown as MessageStream
  const reach = new Reach({
    ports,
    isOpen: () => state.isOpen,
    open: () => open(state.attempts++),
    accept: () => {
      state.accepted += 1
      state.isOpen = true
    },
  })
  return { reach, state, stream }
}

const fault = (code: 'ERR_DIAL_FAILED' | 'ERR_NOT_CONNECTED' | 'ERR_PROTOCOL_REFUSED') => new AmcpError(code, code)

test('a lane that is open is reached at once; one that is not is opened, once for all who ask', async () => {
  const { reach, state, stream } = world(async () => stream)
  await Promise.all([reach.to('a'), reach.to('a')])
  expect([state.attempts, state.accepted]).toEqual([1, 1])
  await reach.to('a')
  expect(state.attempts).toBe(1)
})

test('a dial that fails ends the attempt, and the next one is made anew', async () => {
  for (const code of ['ERR_DIAL_FAILED', 'ERR_NOT_CONNECTED'] as const) {
    const { reach, state } = world(() => Promise.reject(fault(code)))
    await expect(reach.to('a')).rejects.toMatchObject({ code })
    await expect(reach.to('a')).rejects.toMatchObject({ code })
    expect([state.attempts, state.counters.get('broker.direct.reach-failed'), state.clock.pending]).toEqual([2, 2, 0])
  }
})

test('a peer that has not admitted us yet is tried until it has', async () => {
  const { reach, state, stream } = world((attempt) =>
    attempt < 3 ? Promise.reject(fault('ERR_PROTOCOL_REFUSED')) : Promise.resolve(stream),
  )
  const reached = reach.to('a')
  await state.clock.advance(149)
  expect(state.accepted).toBe(0)
  await state.clock.advance(1)
  await reached
  expect([state.attempts, state.accepted]).toEqual([4, 1])
})

test('a peer that never admits us is given up after 3 s', async () => {
  const { reach, state } = world(() => Promise.reject(fault('ERR_PROTOCOL_REFUSED')))
  const given = expect(reach.to('a')).rejects.toMatchObject({ code: 'ERR_PROTOCOL_REFUSED' })
  await state.clock.advance(3_000)
  await given
  expect(state.clock.pending).toBe(0)
})

test('a dial that is never answered is given up after 3 s; should it succeed later the stream is used or closed', async () => {
  for (const isOpen of [false, true]) {
    const dial = Promise.withResolvers<MessageStream>()
    const { reach, state, stream } = world(() => dial.promise)
    const given = expect(reach.to('a')).rejects.toMatchObject({ code: 'ERR_DIAL_FAILED', details: { peer: 'a' } })
    await state.clock.advance(3_000)
    await given
    state.isOpen = isOpen
    dial.resolve(stream)
    await state.clock.advance(0)
    expect([state.accepted, state.closed]).toEqual(isOpen ? [0, 1] : [1, 0])
  }
})
