import { describe, expect, test } from 'vitest'
import {
  agentOfTopic,
  checkPublishTopic,
  checkTopic,
  isReserved,
  MAX_TOPIC_LENGTH,
  MAX_TOPIC_LEVELS,
  reservedNamespaces,
  topicOfAgent,
} from '../../../src/events/topic.ts'

const agent = '0f0e0d0c-0b0a-8908-8706-050403020100'

describe('topics', () => {
  test.each([
    'amcp.domain.weather',
    'amcp.domain.plant.7.line-3.cell_4',
    'amcp.domain.a~b:c@d+e=f$g',
    `amcp.agent.${agent}`,
    'amcp.control.mesh',
  ])('TP-1 %s is a topic', (topic) => {
    expect(() => checkTopic(topic)).not.toThrow()
    expect(() => checkTopic(topic)).not.toThrow() // the second time it is known
  })

  test.each([
    ['', 'is empty'],
    ['amcp', 'does not begin with amcp. and a namespace, as amcp.domain.order does'],
    ['weather.rain', 'does not begin with amcp. and a namespace, as amcp.domain.order does'],
    ['amcp..load', 'has an empty level'],
    ['.amcp.domain', 'has an empty level'],
    ['amcp.domain.', 'has an empty level'],
    ['amcp.domain.*', 'has the wildcard *'],
    ['amcp.domain.>', 'has the wildcard >'],
    ['amcp.**.load', 'has the wildcard **'],
    ['amcp.domain.a b', 'has the level "a b"'],
    ['amcp.domain.naïve', 'has the level "naïve"'],
    ['amcp.domain.a*', 'has the level "a*"'],
    ['amcp.agent.somebody', 'does not name an agent id'],
    [`amcp.agent.${agent}.more`, 'does not name an agent id'],
    [Array.from({ length: 300 }, () => 'a').join('.'), 'has 300 levels'],
    ['a'.repeat(65_536), 'has 65536 characters'],
  ])('TP-3 refuses %j and says why', (topic, reason) => {
    expect(() => checkTopic(topic)).toThrow(expect.objectContaining({ code: 'ERR_TOPIC_INVALID' }))
    expect(() => checkTopic(topic)).toThrow(reason)
  })

  test('TP-3 refuses what is no text', () => {
    expect(() => checkTopic(7 as unknown as string)).toThrow(expect.objectContaining({ code: 'ERR_TOPIC_INVALID' }))
  })

  test('the longest and the deepest topic are topics', () => {
    expect(() => checkTopic(`amcp.${'a'.repeat(MAX_TOPIC_LENGTH - 5)}`)).not.toThrow()
    expect(() => checkTopic(`amcp.${'a'.repeat(MAX_TOPIC_LENGTH - 4)}`)).toThrow('characters')
    expect(() => checkTopic(['amcp', ...Array(MAX_TOPIC_LEVELS - 1).fill('a')].join('.'))).not.toThrow()
    expect(() => checkTopic(['amcp', ...Array(MAX_TOPIC_LEVELS).fill('a')].join('.'))).toThrow('levels')
  })

  test('a refused name is shortened in the message', () => {
    try {
      checkTopic('b'.repeat(70_000))
      expect.unreachable()
    } catch (error) {
      expect((error as Error).message.length).toBeLessThan(300)
    }
  })

  test.each(reservedNamespaces)('TP-2 ordinary agents cannot publish to %s', (namespace) => {
    expect(isReserved(namespace)).toBe(true)
    expect(isReserved(`${namespace}.any`)).toBe(true)
    expect(() => checkPublishTopic(`${namespace}.any`)).toThrow(
      expect.objectContaining({ code: 'ERR_TOPIC_RESERVED', details: { topic: `${namespace}.any` } }),
    )
  })

  test('a name that only begins like a reserved one is free', () => {
    expect(isReserved('amcp.controller.any')).toBe(false)
    expect(() => checkPublishTopic('amcp.controller.any')).not.toThrow()
  })

  test('names are checked before reservation', () => {
    expect(() => checkPublishTopic('amcp..x')).toThrow(expect.objectContaining({ code: 'ERR_TOPIC_INVALID' }))
  })

  test('TP-1 an agent has a topic of its own', () => {
    expect(topicOfAgent(agent)).toBe(`amcp.agent.${agent}`)
    expect(agentOfTopic(`amcp.agent.${agent}`)).toBe(agent)
    expect(agentOfTopic('amcp.domain.x')).toBeUndefined()
  })

  test('more topics than are remembered are still judged right', () => {
    for (let index = 0; index < 40_000; index += 1) checkTopic(`amcp.domain.t${index}`)
    expect(() => checkTopic('amcp.domain.t1')).not.toThrow()
    expect(() => checkTopic('amcp.domain.*')).toThrow('wildcard')
  })
})
