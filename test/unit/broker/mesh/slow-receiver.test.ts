import { describe, expect, test } from 'vitest'
import { WaitBudget } from '../../../../src/broker/mesh/slow-receiver.ts'

const wait = (budget: WaitBudget, from: number, to: number): void => {
  budget.startWaiting(from)
  budget.stopWaiting(to)
}

describe('what publishers may wait for one receiver', () => {
  test('is a second in a minute, spent by waiting and regained when the wait is a minute old', () => {
    const budget = new WaitBudget()
    expect(budget.left(0)).toBe(1_000)
    wait(budget, 0, 400)
    expect(budget.left(400)).toBe(600)
    wait(budget, 1_000, 1_600)
    expect(budget.left(1_600)).toBe(0)
    expect(budget.left(60_200)).toBe(200)
    expect(budget.left(61_600)).toBe(1_000)
  })

  test('counts a wait that is under way, and several waiting publishers once', () => {
    const budget = new WaitBudget()
    budget.startWaiting(100)
    budget.startWaiting(300)
    expect(budget.isWaiting).toBe(true)
    expect(budget.left(500)).toBe(600)
    budget.stopWaiting(600)
    budget.stopWaiting(900)
    expect(budget.isWaiting).toBe(false)
    expect(budget.left(900)).toBe(500)
  })

  test('is never more when many short waits are merged', () => {
    const budget = new WaitBudget({ maxWaitMs: 1_000, windowMs: 1_000_000 })
    for (let at = 0; at < 100; at += 1) wait(budget, at * 100, at * 100 + 5)
    expect(budget.left(10_000)).toBe(500)
  })

  test('is never negative', () => {
    const budget = new WaitBudget({ maxWaitMs: 10 })
    wait(budget, 0, 50)
    expect(budget.left(50)).toBe(0)
  })
})
