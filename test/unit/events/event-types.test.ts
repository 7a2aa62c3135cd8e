import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { eventTypes, eventTypeTable, isRegisteredType } from '../../../src/events/event-types.ts'

describe('the registry of event types', () => {
  test('EV-4 is what the documentation shows', () => {
    expect(readFileSync('docs/EVENT-TYPES.md', 'utf8')).toContain(eventTypeTable())
  })

  test('EV-4 has types of every category of the specification', () => {
    const categories = new Set(eventTypes.map(({ category }) => category))
    for (const category of ['command', 'status', 'mobility', 'lifecycle', 'discovery']) {
      expect(categories).toContain(category)
    }
  })

  test('has each type once, in its category, with words for it', () => {
    expect(new Set(eventTypes.map(({ type }) => type)).size).toBe(eventTypes.length)
    for (const { type, category, says } of eventTypes) {
      expect(type.startsWith(`amcp.${category}`)).toBe(true)
      expect(says.length).toBeGreaterThan(5)
    }
  })

  test('names the types that the specification names', () => {
    expect(isRegisteredType('amcp.command.dispatch')).toBe(true)
    expect(isRegisteredType('amcp.mobility.dispatched')).toBe(true)
  })

  test.each([
    'amcp.command.call',
    'amcp.command.reply',
    'amcp.command.valve.open',
    'amcp.status.battery-low',
    'amcp.domain.event',
    'amcp.domain.order.placed.v2',
    'amcp.domain.1',
  ])('takes %s', (type) => {
    expect(isRegisteredType(type)).toBe(true)
  })

  test.each([
    '',
    'amcp',
    'amcp.command',
    'amcp.domain.',
    'amcp.domain..a',
    'amcp.domain.a.',
    'amcp.domain.A',
    'amcp.domain.a b',
    'amcp.domainevent',
    'amcp.mobility.vanished',
    'amcp.lifecycle.created.again',
    'amcp.discovery',
    'com.github.pull_request.opened',
    'toString',
  ])('refuses %j', (type) => {
    expect(isRegisteredType(type)).toBe(false)
  })
})
