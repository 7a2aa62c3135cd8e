import type { StandardSchemaV1 } from '@standard-schema/spec'
import { AmcpError } from '../core/errors.ts'
import { parsePattern } from './pattern.ts'
import { TopicTrie } from './topic-trie.ts'

/** At most so many issues travel in an error. */
const MAX_ISSUES = 8

/** The value as the schema gives it back. ERR_SCHEMA_MISMATCH with the path of the first fault; TypeError for an async schema. */
export function checkSchema<S extends StandardSchemaV1>(
  schema: S,
  value: unknown,
  what: string,
): StandardSchemaV1.InferOutput<S> {
  const result = schema['~standard'].validate(value)
  if (result instanceof Promise)
    throw new TypeError(`the schema of ${what} is asynchronous; events need a synchronous one`)
  if (result.issues === undefined) return result.value as StandardSchemaV1.InferOutput<S>
  const issues = result.issues.slice(0, MAX_ISSUES).map(({ message, path }) => ({ message, path: pathOf(path) }))
  const first = issues[0] ?? { message: 'refused by its schema', path: '' }
  throw new AmcpError(
    'ERR_SCHEMA_MISMATCH',
    `${what} does not fit its schema at ${first.path || 'its root'}: ${first.message}`,
    {
      details: { path: first.path, issues },
    },
  )
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

/** Schemas by topic pattern (EV-5): what is published to a topic must fit every schema whose pattern matches it. */
export class TopicSchemas {
  readonly #trie = new TopicTrie<StandardSchemaV1>()

  constructor(schemas: Readonly<Record<string, StandardSchemaV1>> = {}) {
    for (const [pattern, schema] of Object.entries(schemas)) this.#trie.add(parsePattern(pattern), schema)
  }

  /** The data after the schemas of its topic; unchanged when there are none. ERR_SCHEMA_MISMATCH. */
  check(topic: string, data: unknown): unknown {
    if (this.#trie.size === 0) return data
    let checked = data
    for (const schema of this.#trie.match(topic)) checked = checkSchema(schema, checked, `the data of ${topic}`)
    return checked
  }
}
