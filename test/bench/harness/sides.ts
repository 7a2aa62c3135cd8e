import { packedMembers } from './mesh.ts'
import { type NatsServer, startNatsServer } from './nats-server.ts'
import { type Role, startRole } from './role.ts'

/** How the mesh chooses its lanes in a figure; nothing leaves it to the mesh. */
export interface LaneChoice {
  readonly lane?: 'direct' | 'gossip'
  readonly signDirect?: boolean
}

/** One side of a figure: a publisher (also the caller) and its subscribers (the first one also answers calls). */
export interface Side extends AsyncDisposable {
  readonly publisher: Role
  readonly subscribers: readonly Role[]
}

export async function meshSide(lanes: LaneChoice | undefined, subscriberCount = 1): Promise<Side> {
  const [publisherIdentity, ...others] = packedMembers(subscriberCount + 1)
  const options = lanes === undefined ? {} : { lanes }
  const subscribers: Role[] = []
  for (const identity of others) {
    const bootstrap = subscribers.flatMap((role) => role.info['addresses'] as string[]).slice(0, 1)
    subscribers.push(
      await startRole('mesh-context', {
        ...options,
        identity,
        bootstrap,
        subscribes: true,
        echoes: subscribers.length === 0,
      }),
    )
  }
  const bootstrap = subscribers[0]!.info['addresses']
  const publisher = await startRole('mesh-context', { ...options, identity: publisherIdentity, bootstrap })
  return sideOf(publisher, subscribers)
}

export async function natsSide(server: NatsServer, subscriberCount = 1): Promise<Side> {
  const subscribers: Role[] = []
  for (let index = 0; index < subscriberCount; index += 1) {
    subscribers.push(await startRole('nats-subscriber', { url: server.url }))
  }
  return sideOf(await startRole('nats-publisher', { url: server.url }), subscribers)
}

const sideOf = (publisher: Role, subscribers: readonly Role[]): Side => ({
  publisher,
  subscribers,
  async [Symbol.asyncDispose]() {
    for (const role of [publisher, ...subscribers]) await role[Symbol.asyncDispose]()
  },
})

export { startNatsServer }
