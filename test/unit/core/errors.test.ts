import { describe, expect, test } from 'vitest'
import { AmcpError } from '../../../src/core/errors.ts'

describe('errors', () => {
  test('carry code, cause, details and whether to try again', () => {
    const cause = new Error('inner')
    const error = new AmcpError('ERR_USAGE', 'wrong', { cause, retryable: true, details: { field: 'x' } })
    expect(error).toMatchObject({
      name: 'AmcpError',
      code: 'ERR_USAGE',
      retryable: true,
      details: { field: 'x' },
      cause,
    })
    const bare = new AmcpError('ERR_USAGE', 'wrong')
    expect(bare).toMatchObject({ retryable: false, details: {} })
    expect('cause' in bare).toBe(false)
  })
})
