import type { StandardSchemaV1 } from '@standard-schema/spec'

/** Data of a topic without a schema: whatever JSON gives, unchecked. */
export type UncheckedData = ReturnType<typeof JSON.parse>

/** A value after its schema; unchecked without one. */
export type Checked<Schema> = Schema extends StandardSchemaV1 ? StandardSchemaV1.InferOutput<Schema> : UncheckedData
