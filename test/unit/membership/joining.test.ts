import { describe, expect, test } from 'vitest'
import { AmcpError } from '../../../src/core/errors.ts'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'
import { Joining } from '../../../src/membership/joining.ts'

describe('joining', () => {
  const refusal = new AmcpError('ERR_WRONG_MESH', 'no')
  const setup = () => {
    const clock = new VirtualClock()
    return { clock, joining: new Joining(clock, { acknowledge: 2_000, join: 10_000 }, (peer) => peer !== 'stranger') }
  }

  test('waits for nobody without addresses', async () => {
    const { joining } = setup()
    joining.expect(0)
    await joining.wait()
  })

  test('ends at once when joined before it was waited for', async () => {
    const { clock, joining } = setup()
    joining.joined()
    joining.expect(1)
    await joining.wait()
    expect(clock.monotonic()).toBe(0)
  })

  test('fails only when no address is left that could let us in', async () => {
    const { clock, joining } = setup()
    joining.expect(3)
    const waiting = clock.runFor(joining.wait())
    joining.refused('a', refusal)
    joining.tried(1)
    joining.refused('a', refusal)
    joining.refused('b', refusal)
    await expect(waiting).rejects.toBe(refusal)
  })

  test('a stranger that dials us and refuses decides nothing, and nothing is kept of it', async () => {
    const { clock, joining } = setup()
    joining.expect(1)
    const waiting = clock.runFor(joining.wait())
    for (let n = 0; n < 2_000; n += 1) joining.refused('stranger', refusal)
    joining.tried(0)
    await waiting
    expect(clock.monotonic()).toBe(10_000)
    joining.refused('a', refusal)
    await joining.wait()
  })

  test('nobody at any address is no failure', async () => {
    const { clock, joining } = setup()
    joining.expect(1)
    const waiting = clock.runFor(joining.wait())
    joining.tried(1)
    await waiting
    expect(clock.monotonic()).toBe(2_000)
  })

  test('somebody who is slow to answer is waited for longer than nobody', async () => {
    const { clock, joining } = setup()
    joining.expect(2)
    const waiting = clock.runFor(joining.wait())
    joining.tried(1)
    clock.after(5_000, () => joining.joined())
    await waiting
    expect(clock.monotonic()).toBe(5_000)
  })

  test('the last address that turns out to be nobody ends it', async () => {
    const { clock, joining } = setup()
    joining.expect(2)
    const waiting = clock.runFor(joining.wait())
    joining.tried(1)
    clock.after(3_000, () => joining.tried(2))
    await waiting
    expect(clock.monotonic()).toBe(3_000)
  })

  test('a signal that is aborted meanwhile ends it at once', async () => {
    const { joining, clock } = setup()
    joining.expect(1)
    const abort = new AbortController()
    const refused = expect(joining.wait(abort.signal)).rejects.toThrow('changed my mind')
    abort.abort(new Error('changed my mind'))
    await refused
    expect([clock.monotonic(), clock.pending]).toEqual([0, 0])
  })

  test('a signal that was aborted before anybody listened ends it, too', async () => {
    const { joining, clock } = setup()
    joining.expect(1)
    await expect(joining.wait(AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late')
    expect([clock.monotonic(), clock.pending]).toEqual([0, 0])
  })

  test('a signal aborted already ends it', async () => {
    const { joining } = setup()
    await expect(joining.wait(AbortSignal.abort(new Error('no')))).rejects.toThrow('no')
  })
})
