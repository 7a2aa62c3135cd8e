import type { AmcpEvent } from './event.ts'

/**
 * Every attribute of an event that has a field of its own. A new field of AmcpEvent does not compile until it is here;
 * what reads this list then treats it as an attribute everywhere. `given` ones come from the publishing context, also
 * when a foreign event is published again; `kept` ones are the author's.
 */
const attributes = {
  specversion: 'given',
  id: 'given',
  source: 'given',
  type: 'kept',
  subject: 'given',
  time: 'given',
  datacontenttype: 'kept',
  data: 'given',
  correlationid: 'kept',
  causationid: 'kept',
  replyto: 'given',
  traceparent: 'kept',
  sequence: 'given',
  partitionkey: 'kept',
  expirytime: 'kept',
  priority: 'kept',
} as const satisfies Record<Exclude<keyof AmcpEvent, 'extensions'>, 'given' | 'kept'>

/**
 * The event that is made of a list of all attributes written by hand, for speed: `never`, which does not compile, when
 * the list lacks one.
 */
export type Whole<Listed> = keyof AmcpEvent extends keyof Listed ? AmcpEvent : never

const attributeNames: ReadonlySet<string> = new Set(Object.keys(attributes))
const keptNames: ReadonlySet<string> = new Set(
  Object.entries(attributes).flatMap(([name, whose]) => (whose === 'kept' ? [name] : [])),
)
const extensionForm = /^[a-z0-9]{1,20}$/

/** Whether an event has a field of its own for the attribute. */
export const isAttribute = (name: string): boolean => attributeNames.has(name)

/** Whether an event that is published again keeps this attribute of its author. */
export const isKept = (name: string): boolean => keptNames.has(name)

/** Names found right before: a few come again and again, in each event, and a look-up costs a tenth of the check. */
const extensionNames = new Set<string>()
const MAX_EXTENSION_NAMES = 1_024

/** Whether an extension may have the name: 1 to 20 lower-case letters and digits, and no attribute that it would shadow. */
export function isExtensionName(name: string): boolean {
  if (extensionNames.has(name)) return true
  if (!extensionForm.test(name) || attributeNames.has(name) || name === 'dataschema') return false
  if (extensionNames.size >= MAX_EXTENSION_NAMES) extensionNames.clear()
  extensionNames.add(name)
  return true
}
