import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../../../src/core/virtual-clock.ts'
import { RejectScores, scoreParams, scoreThresholds } from '../../../../src/network/libp2p/scoring.ts'

describe('RejectScores', () => {
  test('costs the forwarder ten points a reject, and nobody else', () => {
    const scores = new RejectScores(new VirtualClock())
    expect(scores.scoreOf('a')).toBe(0)
    scores.rejected('a')
    scores.rejected('a')
    expect(scores.scoreOf('a')).toBe(-20)
    expect(scores.scoreOf('b')).toBe(0)
  })

  test('silences a peer at the ninth reject in a row, not at the eighth', () => {
    const scores = new RejectScores(new VirtualClock())
    const params = scoreParams(scores)
    const score = (): number => params.appSpecificScore!('a') * params.appSpecificWeight!
    for (let at = 0; at < 8; at++) scores.rejected('a')
    expect(score()).toBeGreaterThanOrEqual(scoreThresholds.graylistThreshold!)
    scores.rejected('a')
    expect(score()).toBeLessThan(scoreThresholds.graylistThreshold!)
  })

  test('forgives half in a minute', async () => {
    const clock = new VirtualClock()
    const scores = new RejectScores(clock)
    scores.rejected('a')
    await clock.advance(60_000)
    expect(scores.scoreOf('a')).toBeCloseTo(-5)
    scores.rejected('a')
    expect(scores.scoreOf('a')).toBeCloseTo(-15)
  })

  test('remembers a bounded number of peers, the latest', () => {
    const scores = new RejectScores(new VirtualClock())
    for (let at = 0; at < 1_025; at++) scores.rejected(`peer ${at}`)
    expect(scores.scoreOf('peer 0')).toBe(0)
    expect(scores.scoreOf('peer 1')).toBe(-10)
    expect(scores.scoreOf('peer 1024')).toBe(-10)
  })
})

test('any number of members may share an address, public or not', () => {
  expect(scoreParams(new RejectScores(new VirtualClock())).IPColocationFactorWeight).toBe(0)
})

test('who does not read is sent nothing for half a minute, and heard all the time', async () => {
  const clock = new VirtualClock()
  const scores = new RejectScores(clock)
  scores.stalled('a')
  expect(scores.scoreOf('a')).toBeLessThan(scoreThresholds.publishThreshold!)
  expect(scores.scoreOf('a')).toBeGreaterThan(scoreThresholds.graylistThreshold!)
  await clock.advance(30_000)
  expect(scores.scoreOf('a')).toBeGreaterThan(scoreThresholds.publishThreshold!)
})
