import type { AmcpEvent } from '../../src/events/event.ts'
import { type FinishFields, FrameWriter } from '../../src/events/frame/frame-writer.ts'
import { shardOf } from '../../src/events/shard.ts'
import { issueAgentToken } from '../../src/identity/agent-token.ts'
import { type Credential, credentialOf } from '../../src/identity/credential.ts'
import { seal } from '../../src/testing/frame-fuzz.ts'
import { type Node, World } from '../unit/broker/world.ts'

export const TOPIC = 'amcp.domain.hostile'
export const SHARD = shardOf(TOPIC)

export let world: World
/** Honest, and listening. */
export let victim: Node
/** A valid member that sends whatever it likes. */
export let villain: Node

/** A new world for each test. */
export async function meetVillain(): Promise<void> {
  world = new World()
  const nodes = await world.grow(2)
  victim = nodes[0]!
  villain = nodes[1]!
  await world.run(victim.listen('amcp.>'))
  await world.pass(2_000)
}

/** Puts the villain at one end of a line instead; nobody else is the victim then. */
export async function meetVillainAlongLine(length: number): Promise<readonly Node[]> {
  await world.stop()
  world = new World({ topology: 'line' })
  const nodes: Node[] = []
  for (let at = 0; at < length; at += 1) {
    const node = await world.node()
    if (at > 0) await world.link(node, nodes[at - 1]!)
    nodes.push(node)
  }
  villain = nodes[0]!
  return nodes
}

/** An extension's name that is replaced by one of the same length. */
const INNOCENT = 'qwerty'
export const gossipTopic = (shard = SHARD): string => `amcp/1/${villain.identity.mesh.mesh}/s/0/${shard}`
export const sign = (digest: Uint8Array): Uint8Array => villain.identity.key.sign(digest)

export interface Forgery extends Partial<FinishFields> {
  n?: number
  predecessor?: Uint8Array
  unsigned?: boolean
  token?: Credential | undefined
  noToken?: boolean
  withhold?: boolean
  event?: Partial<AmcpEvent>
  shard?: number
  signer?: (digest: Uint8Array) => Uint8Array
  sequence?: number
  /** Name of an extension that no writer would write. */
  extensionNamed?: string
}

/** The header of a frame of the villain, all of it right. */
export function headerOf(token: Credential): FinishFields & { credentials: readonly Uint8Array[] } {
  const { crypto } = world
  const membership = credentialOf(crypto, villain.identity.membership)
  return {
    meshHash: credentialOf(crypto, new TextEncoder().encode(villain.identity.mesh.mesh)).hash,
    publisher: villain.identity.key.publicKey,
    incarnation: villain.members.incarnation,
    membershipHash: membership.hash,
    generation: 0,
    time: world.clock.now(),
    credentials: [membership.bytes, token.bytes],
  }
}

/** A frame of the villain, right but for what is asked to be wrong. */
export function forge({
  n = 0,
  predecessor = new Uint8Array(32),
  unsigned = false,
  noToken = false,
  ...rest
}: Forgery = {}) {
  const { crypto } = world
  const {
    token = villain.tokens.tokenOf(villain.agent),
    withhold = false,
    event,
    shard = SHARD,
    signer = sign,
    extensionNamed,
  } = rest
  const { sequence = n, ...fields } = rest
  const writer = new FrameWriter({ crypto })
  const extensions = extensionNamed === undefined ? undefined : { [INNOCENT]: 'amcp://somebody/else' }
  writer.add(
    { ...villain.event(TOPIC, 'evil'), extensions, ...event },
    sequence,
    shard,
    noToken ? undefined : token.hash,
  )
  const right = headerOf(token)
  const common: FinishFields = {
    ...right,
    credentials: withhold ? [] : right.credentials,
    ...(unsigned ? {} : { chain: { kind: 'gossip', n, predecessor } as const }),
  }
  const frame = writer.finish({ ...common, ...fields }, 'chain' in fields || !unsigned ? signer : undefined)
  return extensionNamed === undefined ? frame : renamed(frame, extensionNamed)
}

/** The frame with another name for its extension, signed again. */
function renamed(frame: Uint8Array, name: string): Uint8Array {
  const at = Buffer.from(frame).indexOf(INNOCENT)
  frame.set(new TextEncoder().encode(name), at)
  return seal(frame, world.crypto, sign)
}

export async function gossip(frame: Uint8Array, shard = SHARD): Promise<void> {
  villain.network.gossip.publish(gossipTopic(shard), frame)
  await world.pass(50)
}

export const tokenWith = (
  claims: Partial<Parameters<typeof issueAgentToken>[2]>,
  key = villain.identity.key,
): Credential =>
  credentialOf(
    world.crypto,
    issueAgentToken(key, villain.id, {
      agent: villain.agent,
      mesh: villain.identity.mesh.mesh,
      roles: [],
      publish: ['amcp.>'],
      epoch: 0,
      custody: undefined,
      expiresAt: Math.floor(world.clock.now() / 1_000) + 300,
      ...claims,
    }),
  )
