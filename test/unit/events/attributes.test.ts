import { describe, expect, test } from 'vitest'
import { isAttribute, isExtensionName, isKept } from '../../../src/events/attributes.ts'
import { fullEvent } from './sample-event.ts'

describe('names of attributes', () => {
  test('cover every field of an event, and nothing that was given as an extension', () => {
    const { extensions = {}, ...fields } = fullEvent()
    for (const name of Object.keys(fields)) expect(isAttribute(name), name).toBe(true)
    for (const name of Object.keys(extensions)) expect(isAttribute(name), name).toBe(false)
  })

  test('tell what the author keeps from what the publishing context gives', () => {
    for (const name of ['type', 'priority', 'correlationid', 'traceparent']) expect(isKept(name), name).toBe(true)
    for (const name of ['id', 'source', 'subject', 'time', 'sequence', 'replyto', 'other']) {
      expect(isKept(name), name).toBe(false)
    }
  })

  test.each([
    ['a', true],
    ['tenant7', true],
    ['x'.repeat(20), true],
    ['x'.repeat(21), false],
    ['', false],
    ['Tenant', false],
    ['ten-ant', false],
    ['source', false],
    ['dataschema', false],
    ['constructor', true],
  ])('whether an extension may be called %j: %s', (name, may) => {
    expect(isExtensionName(name)).toBe(may)
  })
})

test('more names than are remembered are judged alike, the first and the last', () => {
  for (let n = 0; n < 1_100; n++) expect(isExtensionName(`x${n}`)).toBe(true)
  expect(isExtensionName('x0')).toBe(true)
  expect(isExtensionName('X0')).toBe(false)
})
