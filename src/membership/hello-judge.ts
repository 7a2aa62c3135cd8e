import { CLOCK_AHEAD, CLOCK_BEHIND } from '../core/clock-tolerance.ts'
import { AmcpError } from '../core/errors.ts'
import type { ContextId } from '../core/ids.ts'
import type { Hello } from './hello-message.ts'
import { PROTOCOL_VERSIONS } from './hello-message.ts'
import type { MemberCredentials } from './member-credentials.ts'

const encoder = new TextEncoder()

/**
 * Throws the reason for which a hello is refused: ERR_VERSION_UNSUPPORTED, ERR_WRONG_MESH, ERR_CLOCK_SKEW,
 * ERR_NOT_A_MEMBER, ERR_MEMBERSHIP_EXPIRED. The clock comes before the membership, because a wrong clock makes a
 * valid membership look expired and the owner would look in the wrong place.
 */
export function judgeHello(peer: ContextId, hello: Hello, credentials: MemberCredentials, now: number): void {
  if (!hello.versions.some((version) => PROTOCOL_VERSIONS.includes(version)))
    throw new AmcpError('ERR_VERSION_UNSUPPORTED', `${peer} speaks none of the protocol versions spoken here`, {
      details: { theirs: hello.versions, ours: PROTOCOL_VERSIONS },
    })
  if (hello.mesh !== credentials.mesh)
    throw new AmcpError('ERR_WRONG_MESH', `${peer} belongs to another mesh`, { details: { mesh: hello.mesh } })
  const ahead = hello.time - now
  if (ahead > CLOCK_AHEAD || ahead < -CLOCK_BEHIND)
    throw new AmcpError('ERR_CLOCK_SKEW', `the clock of ${peer} is ${ahead} ms ahead of the one here`, {
      retryable: true,
      details: { ahead },
    })
  credentials.check(peer, encoder.encode(hello.membership), now)
}
