/** A registered type of AMCP events, or with `isOpen` a prefix below which users name their own. */
export interface EventType {
  readonly type: string
  readonly category: 'command' | 'status' | 'mobility' | 'lifecycle' | 'discovery' | 'domain'
  readonly says: string
  readonly isOpen: boolean
}

const one = (type: string, category: EventType['category'], says: string): EventType => ({
  type,
  category,
  says,
  isOpen: false,
})
const open = (type: string, category: EventType['category'], says: string): EventType => ({
  type,
  category,
  says,
  isOpen: true,
})

/** The registry that code and docs share (EV-4). @see AMCP 1.5 specification 3.1, docs/EVENT-TYPES.md */
export const eventTypes: readonly EventType[] = [
  one('amcp.command.call', 'command', 'Asks an agent to do something it offers, and to reply'),
  one('amcp.command.cancel', 'command', 'Takes a call back: nobody waits for its reply any more'),
  one('amcp.command.dispatch', 'command', 'Asks a context to move an agent to another one'),
  one('amcp.command.clone', 'command', 'Asks a context to start a copy of an agent elsewhere'),
  one('amcp.command.retract', 'command', 'Recalls an agent to its origin'),
  open('amcp.command', 'command', 'Commands of an application'),
  one('amcp.command.reply', 'command', 'The outcome of a call: its output or a typed error'),
  open('amcp.status', 'status', 'States that agents report'),
  one('amcp.mobility.dispatched', 'mobility', 'An agent has left for another context'),
  one('amcp.mobility.arrived', 'mobility', 'An agent is active in its new context'),
  one('amcp.mobility.cloned', 'mobility', 'A copy of an agent is active elsewhere'),
  one('amcp.mobility.retracted', 'mobility', 'An agent is back at its origin'),
  one('amcp.lifecycle.created', 'lifecycle', 'An agent exists'),
  one('amcp.lifecycle.activated', 'lifecycle', 'An agent takes events and calls'),
  one('amcp.lifecycle.deactivated', 'lifecycle', 'An agent rests; what comes waits'),
  one('amcp.lifecycle.failed', 'lifecycle', 'An agent failed and takes nothing more'),
  one('amcp.lifecycle.destroyed', 'lifecycle', 'An agent is gone for good'),
  one('amcp.discovery.announced', 'discovery', 'A capability is offered'),
  one('amcp.discovery.withdrawn', 'discovery', 'A capability is offered no more'),
  one('amcp.domain.event', 'domain', 'An event of an application that names no type of its own'),
  open('amcp.domain', 'domain', 'Events of an application'),
]

const closed = new Set(eventTypes.filter((entry) => !entry.isOpen).map(({ type }) => type))
const prefixes = eventTypes.filter((entry) => entry.isOpen).map(({ type }) => `${type}.`)
/** Names joined by dots; none is empty. */
const name = /^[a-z0-9-]+(\.[a-z0-9-]+)*$/

/** Names below open prefixes that were found right before: each event that arrives is asked for its type. */
const found = new Set<string>()
const MAX_FOUND = 1_024

/** Whether a type is registered, or is a well-formed name below an open prefix. */
export function isRegisteredType(type: string): boolean {
  if (closed.has(type) || found.has(type)) return true
  if (!prefixes.some((prefix) => type.startsWith(prefix)) || !name.test(type)) return false
  if (found.size >= MAX_FOUND) found.clear()
  found.add(type)
  return true
}

/** The registry as the table of docs/EVENT-TYPES.md. */
export function eventTypeTable(): string {
  const rows = eventTypes.map(
    ({ type, category, says, isOpen }) => `| \`${isOpen ? `${type}.…` : type}\` | ${category} | ${says} |`,
  )
  return ['| type | category | says |', '|---|---|---|', ...rows].join('\n')
}
