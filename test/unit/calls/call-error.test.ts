import { expect, test } from 'vitest'
import { fromWireError, handlerError, toWireError } from '../../../src/calls/call-error.ts'
import { AmcpError } from '../../../src/core/errors.ts'

test('a handler’s error keeps name, code and cause, and never passes for a fault of the mesh', () => {
  const thrown = Object.assign(new TypeError('no such row'), { code: 'ENOENT' })
  const error = handlerError('row.read', 'a1', thrown)
  expect(error).toMatchObject({
    code: 'ERR_CALL_FAILED',
    message: 'row.read of a1 failed: no such row',
    details: { agent: 'a1', capability: 'row.read', name: 'TypeError', code: 'ENOENT' },
    cause: thrown,
  })
  expect(handlerError('c', 'a', new AmcpError('ERR_CALL_TARGET_LOST', 'x'))).toMatchObject({
    code: 'ERR_CALL_FAILED',
    details: { code: 'ERR_CALL_TARGET_LOST' },
  })
  expect(handlerError('c', 'a', 'boom')).toMatchObject({ message: 'c of a failed: boom', details: { name: 'string' } })
})

test('known faults cross the wire as they are', () => {
  for (const code of ['ERR_SCHEMA_MISMATCH', 'ERR_MAILBOX_FULL', 'ERR_AGENT_UNKNOWN'] as const) {
    const error = new AmcpError(code, 'why', { retryable: true, details: { path: 'a[1]' } })
    expect(fromWireError(JSON.parse(JSON.stringify(toWireError(error))))).toMatchObject({
      code,
      message: 'why',
      retryable: true,
      details: { path: 'a[1]' },
    })
  }
})

test('anything else that comes over the wire is ERR_CALL_FAILED', () => {
  expect(fromWireError({ code: 'ERR_CALL_TARGET_LOST', message: 'lie' })).toMatchObject({
    code: 'ERR_CALL_FAILED',
    message: 'lie',
    retryable: false,
    details: { code: 'ERR_CALL_TARGET_LOST' },
  })
  for (const data of [null, 7, 'x', [], {}, { code: 9, message: {}, details: [] }]) {
    expect(fromWireError(data)).toMatchObject({ code: 'ERR_CALL_FAILED', message: 'the target answered with an error' })
  }
  expect(fromWireError({ message: 'x'.repeat(5_000) }).message).toHaveLength(1_024)
})

test('an error that is none of ours and details that are no JSON still arrive', () => {
  expect(toWireError(new RangeError('odd'))).toMatchObject({ code: 'ERR_CALL_FAILED', details: { name: 'RangeError' } })
  const cyclic: Record<string, unknown> = {}
  cyclic['self'] = cyclic
  const { details } = toWireError(new AmcpError('ERR_CALL_FAILED', 'm', { details: cyclic }))
  expect(details['unserialisable']).toContain('circular')
  const odd = {
    toJSON: () => {
      throw 'text'
    },
  }
  expect(toWireError(new AmcpError('ERR_CALL_FAILED', 'm', { details: { odd } })).details).toEqual({
    unserialisable: 'text',
  })
})
