import { packedMembers } from './mesh.ts'
import { type Role, startRole } from './role.ts'
import type { LaneChoice } from './sides.ts'
import { transfer } from './transfer.ts'

/** Three contexts in a row: readings are published, relayed by an agent, and read by another one. */
export interface Row extends AsyncDisposable {
  readonly publisher: Role
  readonly relay: Role
  readonly reader: Role
}

export interface RowFigures {
  /** Events a second that the last agent read: each is one message in and one out for the context in the middle. */
  readonly perSecond: number
  readonly published: number
  readonly received: number
  /** Read without the trace of the first event, or without a cause. */
  readonly untraced: number
  readonly disorder: number
  /** CPU time of the context in the middle for an event that it received and the one that it published, µs. */
  readonly relayMicros: number
}

interface Count {
  received: number
  untraced: number
  disorder: number
}

/** Memberships that name what each may publish, so that rights are a matter of each topic. */
const grants = [
  { publish: ['amcp.domain.plant.*.line.*.*', 'amcp.agent.*'] },
  { publish: ['amcp.domain.relayed.*', 'amcp.agent.*'] },
  { publish: ['amcp.domain.progress.*', 'amcp.agent.*'] },
]

export async function openRow(lanes: LaneChoice): Promise<Row> {
  const identities = packedMembers(3, grants)
  const roles: Role[] = []
  const bootstrap: string[] = []
  for (const [at, part] of (['publisher', 'relay', 'reader'] as const).entries()) {
    const role = await startRole('everything-context', { part, identity: identities[at], bootstrap, lanes })
    bootstrap.push(...(role.info['addresses'] as string[]).slice(0, 1))
    roles.push(role)
  }
  const [publisher, relay, reader] = roles as [Role, Role, Role]
  return {
    ...{ publisher, relay, reader },
    async [Symbol.asyncDispose]() {
      for (const role of roles) await role[Symbol.asyncDispose]()
    },
  }
}

export async function measureRow({ publisher, relay, reader }: Row, seconds: number): Promise<RowFigures> {
  const cpu = async (): Promise<number> => {
    const { user, system } = await relay.ask<NodeJS.CpuUsage>('cpu')
    return user + system
  }
  const before = { cpu: await cpu(), count: await reader.ask<Count>('count') }
  const { perSecond, published, received } = await transfer(publisher, [reader], seconds)
  const count = await reader.ask<Count>('count')
  return {
    ...{ perSecond, published, received },
    untraced: count.untraced - before.count.untraced,
    disorder: count.disorder - before.count.disorder,
    relayMicros: ((await cpu()) - before.cpu) / published,
  }
}
