import type { StandardSchemaV1 } from '@standard-schema/spec'
import { expect, test } from 'vitest'
import { checkSchema } from '../../../src/agent/schema-check.ts'

const schema = (validate: StandardSchemaV1['~standard']['validate']): StandardSchemaV1 => ({
  '~standard': { version: 1, vendor: 'test', validate },
})

const refusing = (...issues: StandardSchemaV1.Issue[]): StandardSchemaV1 => schema(() => ({ issues }))

test('gives back what the schema made of the value, as a promise only from an asynchronous schema', async () => {
  expect(
    checkSchema(
      schema((value) => ({ value: [value] })),
      1,
      'it',
    ),
  ).toEqual([1])
  expect(
    await checkSchema(
      schema(async (value) => ({ value: [value] })),
      1,
      'it',
    ),
  ).toEqual([1])
})

test('AG-4 names the path of the first fault, whatever form its segments have', () => {
  const path = ['readings', { key: 2 }, Symbol.for('load')]
  expect(() => checkSchema(refusing({ message: 'too high', path }, { message: 'more' }), 1, 'input of x')).toThrow(
    expect.objectContaining({
      code: 'ERR_SCHEMA_MISMATCH',
      message: 'input of x at readings.2.Symbol(load): too high',
      details: {
        path: 'readings.2.Symbol(load)',
        issues: [
          { message: 'too high', path: 'readings.2.Symbol(load)' },
          { message: 'more', path: '' },
        ],
      },
    }),
  )
})

test('a fault at the root has no path, and a schema that names no fault is believed all the same', async () => {
  expect(() => checkSchema(refusing({ message: 'no' }), 1, 'it')).toThrow(/^it: no$/)
  expect(() => checkSchema(refusing(), 1, 'it')).toThrow(/^it: refused by its schema$/)
  await expect(
    checkSchema(
      schema(async () => ({ issues: [{ message: 'late' }] })),
      1,
      'it',
    ),
  ).rejects.toThrow('late')
})

test('an error carries at most 8 issues', () => {
  const many = Array.from({ length: 100 }, (_, n) => ({ message: `fault ${n}` }))
  try {
    checkSchema(refusing(...many), 1, 'it')
    expect.unreachable()
  } catch (fault) {
    expect((fault as { details: { issues: unknown[] } }).details.issues).toHaveLength(8)
  }
})
