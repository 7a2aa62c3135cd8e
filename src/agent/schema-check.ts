import type { StandardSchemaV1 } from '@standard-schema/spec'
import { AmcpError } from '../core/errors.ts'

/** At most so many issues travel in an error. */
const MAX_ISSUES = 8

/**
 * The value as its schema gives it back, a promise only when the schema is asynchronous.
 * Throws or rejects with ERR_SCHEMA_MISMATCH, whose details name the path of the first fault.
 * @param what names the value in the message, as in "input of anomaly.detect"
 */
export function checkSchema(schema: StandardSchemaV1, value: unknown, what: string): unknown {
  const result = schema['~standard'].validate(value)
  if (result instanceof Promise) return result.then((settled) => checkedValue(settled, what))
  return checkedValue(result, what)
}

function checkedValue(result: StandardSchemaV1.Result<unknown>, what: string): unknown {
  if (result.issues === undefined) return result.value
  const issues = result.issues.slice(0, MAX_ISSUES).map(({ message, path }) => ({ message, path: pathOf(path) }))
  const first = issues[0] ?? { message: 'refused by its schema', path: '' }
  const where = first.path === '' ? '' : ` at ${first.path}`
  throw new AmcpError('ERR_SCHEMA_MISMATCH', `${what}${where}: ${first.message}`, {
    details: { path: first.path, issues },
  })
}

/** `readings.2.load` */
function pathOf(path: StandardSchemaV1.Issue['path']): string {
  return (path ?? []).map((segment) => String(typeof segment === 'object' ? segment.key : segment)).join('.')
}
