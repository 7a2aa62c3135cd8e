import { describe, expect, test } from 'vitest'
import { Counters } from '../../../src/core/counters.ts'
import { systemPorts } from '../../../src/core/default-ports.ts'
import { silentLogger } from '../../../src/core/logger.ts'

describe('ports', () => {
  test('are real, with counters of their own and a silent logger, unless one is given', () => {
    const ports = systemPorts()
    expect(ports.logger).toBe(silentLogger)
    for (const level of ['debug', 'info', 'warn', 'error'] as const)
      expect(ports.logger[level]({}, 'x')).toBeUndefined()
    const logger = { ...silentLogger }
    expect(systemPorts({ logger }).logger).toBe(logger)
    expect(systemPorts().counters).not.toBe(ports.counters)
  })

  test('count by name', () => {
    const counters = new Counters()
    counters.add('b')
    counters.add('a', 3)
    counters.add('b')
    expect([counters.get('b'), counters.get('none')]).toEqual([2, 0])
    expect(JSON.stringify(counters.snapshot())).toBe('{"a":3,"b":2}')
  })
})
