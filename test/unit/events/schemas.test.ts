import type { StandardSchemaV1 } from '@standard-schema/spec'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { checkSchema, TopicSchemas } from '../../../src/events/schemas.ts'
import { faultOf } from './fault-of.ts'

const schemaOf = (validate: StandardSchemaV1.Props['validate']): StandardSchemaV1 => ({
  '~standard': { version: 1, vendor: 'test', validate },
})

const Reading = z.object({ load: z.number(), unit: z.string().default('percent') })

describe('a schema', () => {
  test('gives back the value in its type, with defaults filled in', () => {
    expect(checkSchema(Reading, { load: 1 }, 'a reading')).toEqual({ load: 1, unit: 'percent' })
  })

  test('EV-5 AG-4 that does not fit says where, and in what', () => {
    const error = faultOf(() =>
      checkSchema(z.object({ readings: z.array(Reading) }), { readings: [{ load: 'a' }] }, 'it'),
    )
    expect(error).toMatchObject({ code: 'ERR_SCHEMA_MISMATCH', details: { path: 'readings[0].load' } })
    expect(error.message).toMatch(/^it at readings\[0\]\.load: /)
  })

  test('EV-5 that does not fit at all says so of its root', () => {
    const error = faultOf(() => checkSchema(z.string(), 7, 'the name'))
    expect(error).toMatchObject({ details: { path: '' } })
    expect(error.message).toMatch(/^the name: /)
  })

  test.each<[StandardSchemaV1.Issue['path'], string]>([
    [['a', 'b'], 'a.b'],
    [[{ key: 'a' }, { key: 3 }, 'b'], 'a[3].b'],
    [[0], '[0]'],
    [[Symbol('mark')], 'Symbol(mark)'],
    [undefined, ''],
  ])('may give its paths in every way of the standard (%#)', (path, expected) => {
    const issue = path === undefined ? { message: 'no' } : { message: 'no', path }
    expect(
      faultOf(() =>
        checkSchema(
          schemaOf(() => ({ issues: [issue] })),
          1,
          'it',
        ),
      ).details['path'],
    ).toBe(expected)
  })

  test('that refuses without an issue is a refusal still', () => {
    expect(
      faultOf(() =>
        checkSchema(
          schemaOf(() => ({ issues: [] })),
          1,
          'it',
        ),
      ).message,
    ).toContain('refused')
  })

  test('with endless issues puts only the first into the error', () => {
    const issues = Array.from({ length: 1_000 }, (_, at) => ({ message: `issue ${at}` }))
    const error = faultOf(() =>
      checkSchema(
        schemaOf(() => ({ issues })),
        1,
        'it',
      ),
    )
    expect(error.details['issues']).toHaveLength(8)
  })

  test('that is asynchronous gives a promise of the value, or of the refusal', async () => {
    const schema = schemaOf(async (value) => (value === 1 ? { value: [value] } : { issues: [{ message: 'late' }] }))
    expect(await checkSchema(schema, 1, 'it')).toEqual([1])
    await expect(checkSchema(schema, 2, 'it')).rejects.toMatchObject({
      code: 'ERR_SCHEMA_MISMATCH',
      message: 'it: late',
    })
  })
})

describe('schemas of topics', () => {
  test('EV-5 check what is published below their pattern, and nothing else', () => {
    const schemas = new TopicSchemas({ 'amcp.domain.load.>': Reading })
    expect(schemas.check('amcp.domain.load.cpu', { load: 1 })).toEqual({ load: 1, unit: 'percent' })
    expect(schemas.check('amcp.domain.alert', 'anything')).toBe('anything')
    const error = faultOf(() => schemas.check('amcp.domain.load.cpu', { load: '1' }))
    expect(error).toMatchObject({ code: 'ERR_SCHEMA_MISMATCH', details: { path: 'load' } })
    expect(error.message).toContain('amcp.domain.load.cpu')
  })

  test('all hold when several match', () => {
    const schemas = new TopicSchemas({
      'amcp.domain.**': z.looseObject({ load: z.number() }),
      'amcp.domain.*': z.looseObject({ host: z.string() }),
    })
    expect(schemas.check('amcp.domain.a', { load: 1, host: 'h' })).toEqual({ load: 1, host: 'h' })
    expect(faultOf(() => schemas.check('amcp.domain.a', { load: 1 })).details['path']).toBe('host')
    expect(faultOf(() => schemas.check('amcp.domain.a', { host: 'h' })).details['path']).toBe('load')
    expect(schemas.check('amcp.domain.a.b', { load: 1 })).toEqual({ load: 1 })
  })

  test('work one on what the other gave back', () => {
    const schemas = new TopicSchemas({
      'amcp.domain.*': z.looseObject({ host: z.string().default('unknown') }),
      'amcp.domain.a': z.looseObject({ unit: z.string().default('percent') }),
    })
    expect(schemas.check('amcp.domain.a', {})).toEqual({ host: 'unknown', unit: 'percent' })
  })

  test('that are asynchronous are refused, whatever they would say', () => {
    for (const result of [{ value: 1 }, { issues: [{ message: 'late' }] }]) {
      const schemas = new TopicSchemas({ 'amcp.domain.a': schemaOf(async () => result) })
      expect(() => schemas.check('amcp.domain.a', 1)).toThrow(TypeError)
      expect(() => schemas.check('amcp.domain.a', 1)).toThrow('asynchronous')
    }
  })

  test('none leave the very same data', () => {
    const data = { a: 1 }
    expect(new TopicSchemas().check('amcp.domain.a', data)).toBe(data)
  })

  test('TP-3 of something that is no pattern are refused when they are named', () => {
    expect(faultOf(() => new TopicSchemas({ 'amcp.>.a': Reading })).code).toBe('ERR_TOPIC_INVALID')
  })
})
