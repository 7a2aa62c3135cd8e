import type { Whole } from './attributes.ts'
import type { AmcpEvent } from './event.ts'

/** All attributes that an event has, as a plain object: for JSON and for spreading, since getters are not own properties. */
export function plainEvent(event: AmcpEvent): AmcpEvent {
  const { specversion, id, source, type, subject, time, datacontenttype, data } = event
  const { correlationid, causationid, replyto, traceparent } = event
  const { sequence, partitionkey, expirytime, priority, extensions } = event
  const plain = {
    ...{ specversion, id, source, type, subject, time, datacontenttype, data },
    ...(sequence !== undefined && { sequence }),
    ...(correlationid !== undefined && { correlationid }),
    ...(causationid !== undefined && { causationid }),
    ...(replyto !== undefined && { replyto }),
    ...(traceparent !== undefined && { traceparent }),
    ...(partitionkey !== undefined && { partitionkey }),
    ...(expirytime !== undefined && { expirytime }),
    ...(priority !== undefined && { priority }),
    ...(extensions !== undefined && { extensions }),
  }
  const whole: Whole<typeof plain> = plain
  return whole
}
