import type { StateMap } from './state-map.ts'
import type { StateMessage } from './state-messages.ts'

/** A challenge has us sign, and comes once a restart of somebody. */
const CHALLENGE_COST = 100
/** So many listed contexts or acknowledgements count as one message. */
const LISTED_A_MESSAGE = 16

/** What a message counts against the rate of the neighbour that sent it: by what it makes us do, not by its bytes. */
export function costOf(message: StateMessage, map: StateMap): number {
  switch (message.t) {
    case 'entries':
      return 1 + message.records.length
    case 'challenge':
      return CHALLENGE_COST
    case 'summary':
      return 1 + message.versions.length / LISTED_A_MESSAGE
    case 'want':
      return 1 + message.contexts.length / LISTED_A_MESSAGE
    case 'acks':
      return 1 + message.acks.length / LISTED_A_MESSAGE
    case 'digest':
      // One that differs is answered with the whole map.
      return message.map === '' || message.map === map.digest ? 1 : 1 + map.size / LISTED_A_MESSAGE
    default:
      return 1
  }
}
