import { Counters } from '../../../src/core/counters.ts'
import { AmcpError } from '../../../src/core/errors.ts'
import { type AgentId, type ContextId, contextIdOf } from '../../../src/core/ids.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { memoryStore } from '../../../src/core/memory-store.ts'
import { nodeCrypto } from '../../../src/core/node-crypto.ts'
import type { Ports } from '../../../src/core/ports.ts'
import { SeededRandom } from '../../../src/core/seeded-random.ts'
import type { Store } from '../../../src/core/store.ts'
import { VirtualClock } from '../../../src/core/virtual-clock.ts'
import type { MemberCredentials } from '../../../src/membership/member-credentials.ts'
import type { MeshMembersOptions } from '../../../src/membership/member-parts.ts'
import type { Members } from '../../../src/membership/members.ts'
import { meshMembers } from '../../../src/membership/mesh-members.ts'
import { type FakeNetwork, FakeSwarm } from './fake-swarm.ts'

export const crypto = nodeCrypto()
const encoder = new TextEncoder()
const decoder = new TextDecoder()

export const keyOf = (n: number) => crypto.signingKey(new Uint8Array(32).fill(n))
export const idOf = (n: number): ContextId => contextIdOf(keyOf(n).publicKey)

/** What the ids of a context's agents end with, here. */
const originOf = (context: ContextId): string =>
  Buffer.from(crypto.sha256(encoder.encode(context)).subarray(0, 2)).toString('hex')

const origins = new Map<number, string>()

/** The id of an agent of context `n`. */
export function agentOf(n: number, agent = 1): AgentId {
  const origin = origins.get(n) ?? originOf(idOf(n))
  origins.set(n, origin)
  return `00000000-0000-8000-8000-${agent.toString(16).padStart(8, '0')}${origin}`
}

export interface CredentialOptions {
  mesh?: string
  /** The text of the membership: `member` is good, `expired` and others are not. */
  membership?: string
  /** The same, changing in time. */
  words?: () => string
}

/** Memberships that are mere words, so that each reason for a refusal can be had at will. */
export function wordCredentials(
  n: number,
  { mesh = 'mesh', membership = 'member', words = () => membership }: CredentialOptions = {},
): MemberCredentials {
  return {
    mesh,
    get own() {
      return encoder.encode(words())
    },
    sign: (message) => keyOf(n).sign(message),
    check: (context, bytes) => {
      const word = decoder.decode(bytes)
      if (word === 'expired') throw new AmcpError('ERR_MEMBERSHIP_EXPIRED', `${context} had a membership`)
      if (!word.startsWith('member')) throw new AmcpError('ERR_NOT_A_MEMBER', `${context} has none`)
    },
    originOfContext: originOf,
    originOfAgent: (agent) => agent.slice(-4),
  }
}

export interface Node {
  readonly members: Members
  readonly network: FakeNetwork
  readonly ports: Ports
  readonly store: Store
  readonly faults: AmcpError[]
  kill(): Promise<void>
}

export interface NodeOptions extends MeshMembersOptions, CredentialOptions {
  /** Another node's number in the swarm, when two share a key. @default the number of the key */
  place?: string
  store?: Store
  /** Ms by which this node's wall clock is wrong. */
  skew?: number
}

/** Members on a swarm in memory, moved by one virtual clock. */
export class FakeMesh {
  readonly clock = new VirtualClock()
  readonly swarm = new FakeSwarm(this.clock)
  #seed = 0

  async node(
    n: number,
    { place = `/node/${n}`, store, skew = 0, mesh, membership, words, ...options }: NodeOptions = {},
  ): Promise<Node> {
    this.#seed += 1
    const { clock } = this
    const ports: Ports = {
      clock: {
        now: () => clock.now() + skew,
        monotonic: () => clock.monotonic(),
        after: (ms, run) => clock.after(ms, run),
        endOfTurn: (run) => clock.endOfTurn(run),
        endOfTask: (run) => clock.endOfTask(run),
      },
      random: new SeededRandom(this.#seed),
      crypto,
      logger: silentLogger,
      counters: new Counters(),
    }
    const network = this.swarm.join(idOf(n), place)
    const faults: AmcpError[] = []
    const kept = store ?? (await memoryStore())
    const credentials = wordCredentials(n, {
      ...(mesh === undefined ? {} : { mesh }),
      ...(membership === undefined ? {} : { membership }),
      ...(words === undefined ? {} : { words }),
    })
    const members = meshMembers(
      { ports, network, store: kept, credentials },
      { fault: (error) => faults.push(error), ...options },
    )
    return { members, network, ports, store: kept, faults, kill: () => network.stop() }
  }

  /** Runs until the work is done; the clock goes on by itself meanwhile. */
  run<T>(work: Promise<T>): Promise<T> {
    return this.clock.runFor(work, { limit: 120_000 })
  }

  /** Nodes 1 to count, each joined by the address of the one that `via` names. */
  async grow(
    count: number,
    via: (n: number) => readonly string[] = () => ['/node/1'],
    options: NodeOptions = {},
  ): Promise<Node[]> {
    const nodes: Node[] = []
    for (let n = 1; n <= count; n += 1) {
      const node = await this.node(n, { ...options, addresses: n === 1 ? [] : via(n) })
      await this.run(node.members.start())
      nodes.push(node)
    }
    return nodes
  }
}
