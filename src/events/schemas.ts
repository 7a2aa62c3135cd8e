import type { StandardSchemaV1 } from '@standard-schema/spec'
import { AmcpError } from '../core/errors.ts'
import { parsePattern } from './pattern.ts'
import { TopicTrie } from './topic-trie.ts'

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

/** As one would write it in code: `readings[2].load`. */
function pathOf(path: StandardSchemaV1.Issue['path']): string {
  let text = ''
  for (const part of path ?? []) {
    const key = typeof part === 'object' ? part.key : part
    if (typeof key === 'number') text += `[${key}]`
    else text += text === '' ? String(key) : `.${String(key)}`
  }
  return text
}

/**
 * Schemas by topic pattern (EV-5): what is published to a topic must fit every schema whose pattern matches it, and so must
 * what arrives. Published is what they give back, so a schema must take what it gives: one that makes a number of a text
 * would refuse at the receiver what it made at the publisher.
 */
export class TopicSchemas {
  readonly #trie = new TopicTrie<StandardSchemaV1>()

  constructor(schemas: Readonly<Record<string, StandardSchemaV1>> = {}) {
    for (const [pattern, schema] of Object.entries(schemas)) this.#trie.add(parsePattern(pattern), schema)
  }

  /** Whether there are none. */
  get isEmpty(): boolean {
    return this.#trie.size === 0
  }

  /** The data after the schemas of its topic; unchanged when there are none. ERR_SCHEMA_MISMATCH; TypeError for an async schema. */
  check(topic: string, data: unknown): unknown {
    if (this.isEmpty) return data
    let checked = data
    for (const schema of this.#trie.match(topic)) {
      checked = checkSchema(schema, checked, `data of ${topic}`)
      if (checked instanceof Promise) throw asynchronous(topic, checked)
    }
    return checked
  }
}

/** Publishing takes an event in the turn it is published in, so that order and schema go together. */
function asynchronous(topic: string, outcome: Promise<unknown>): TypeError {
  // Nobody will wait for what it says.
  outcome.catch(() => undefined)
  return new TypeError(`a schema of ${topic} is asynchronous: what is published needs a synchronous one`)
}
