import { writeFileSync } from 'node:fs'
import { contextIdOf } from '../../src/core/ids.ts'
import { nodeCrypto } from '../../src/core/node-crypto.ts'
import { MAX_SUMMARY_BYTES, summarise, summaryLength } from '../../src/events/pattern-summary.ts'
import { encodeHello, type HelloMessage } from '../../src/membership/hello-message.ts'
import { signLife } from '../../src/membership/sign-of-life.ts'
import { encodeBody, type StateBody } from '../../src/membership/state-body.ts'
import { encodeHead, FLAG_ACKNOWLEDGE, type StateEntry, type StateHead, shortDigest } from '../../src/membership/state-entry.ts'
import { StateMap } from '../../src/membership/state-map.ts'
import { encodeMessage, type StateMessage } from '../../src/membership/state-messages.ts'
import { countingBytes } from '../../src/testing/sample-frames.ts'
import { identityVectors } from './identity.ts'

/** Writes `membership.json`: `node test/vectors/membership.ts`. A change of its bytes is a change of the protocol. */
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

export interface SummaryVector {
  readonly what: string
  readonly limit: number
  readonly patterns: readonly string[]
  readonly summary: readonly string[]
  /** What the summary counts against the limit. */
  readonly length: number
}

export interface MessageVector {
  readonly name: string
  /** Of JSON messages. */
  readonly text?: string
  /** Of binary ones. */
  readonly hex?: string
  readonly sha256: string
}

export interface MembershipVectors {
  readonly seed: string
  readonly publicKey: string
  readonly context: string
  readonly summaries: readonly SummaryVector[]
  readonly entry: {
    readonly body: string
    readonly bodyDigest: string
    readonly membership: string
    readonly membershipDigest: string
    readonly head: string
    readonly signature: string
  }
  readonly map: {
    readonly versions: readonly (readonly [string, number])[]
    readonly members: string
    readonly digest: string
  }
  readonly hello: readonly MessageVector[]
  readonly state: readonly MessageVector[]
}

/** Wall time, ms: 14 November 2023. */
const NOW = 1_700_000_000_000

const summaryOf = (what: string, patterns: readonly string[], limit: number = MAX_SUMMARY_BYTES): SummaryVector => {
  const summary = summarise(patterns, limit)
  return { what, limit, patterns, summary, length: summaryLength(summary) }
}

const levels = [
  'amcp.domain.plant.line1.press.temperature',
  'amcp.domain.plant.line1.press.pressure',
  'amcp.domain.plant.line1.oven',
  'amcp.domain.plant.*.oven.door',
  'amcp.domain.office.>',
]

const summaries = (): SummaryVector[] => [
  summaryOf('nothing', []),
  summaryOf('sorted, each once', ['amcp.domain.b', 'amcp.domain.a', 'amcp.domain.b']),
  summaryOf('contained in a rest', ['amcp.domain.a.b', 'amcp.domain.a.>', 'amcp.domain.a', 'amcp.domain.a.*.c', 'amcp.domain.a.b.>']),
  summaryOf('contained in a level', ['amcp.*.a', 'amcp.domain.a', 'amcp.domain.*', 'amcp.*.*.a']),
  summaryOf('topics of agents find their agent by its id', ['amcp.agent.*', 'amcp.agent.4518017f-0340-8b00-8000-000000000001', 'amcp.agents.x']),
  summaryOf('fits exactly', levels, 169),
  summaryOf('one too long: the deepest level widens', levels, 168),
  summaryOf('widened as far as it must', levels, 100),
  summaryOf('and further', levels, 47),
  summaryOf('to all below the first level', levels, 12),
  summaryOf('too long even then', ['amcp.domain.a', 'other.a.b'], 10),
]

export function membershipVectors(): MembershipVectors {
  const crypto = nodeCrypto()
  const seed = countingBytes(32, 64)
  const key = crypto.signingKey(seed)
  const context = contextIdOf(key.publicKey)
  const { keys, agentIds, membership, mesh } = identityVectors()
  const agents = agentIds.map(({ id }) => id)
  const membershipBytes = Buffer.from(membership.credential)

  const body: StateBody = {
    addresses: ['/ip4/192.0.2.7/tcp/4001', '/dns4/plant.example/tcp/4001'],
    patterns: ['amcp.domain.office.>', 'amcp.domain.plant.*'],
    offers: [
      { agent: agents[0]!, capability: 'anomaly.detect', version: '1.2.0', proficiency: 'expert', cost: 0.25 },
      { agent: agents[1]!, capability: 'anomaly.detect', version: '1.2.0', proficiency: 'expert', cost: 0.25 },
      { agent: agents[2]!, capability: 'chart.draw', version: '0.1.0' },
    ],
  }
  const bodyBytes = encodeBody(body)
  const head: StateHead = {
    context,
    incarnation: hex(countingBytes(16, 1)),
    version: NOW + 5,
    since: NOW,
    flags: FLAG_ACKNOWLEDGE,
    rival: '',
    body: shortDigest(crypto, bodyBytes),
    membership: shortDigest(crypto, membershipBytes),
  }
  const headBytes = encodeHead(head)
  const signature = key.sign(headBytes)
  const entry: StateEntry = { head, headBytes, signature, body, bodyBytes, membership: membershipBytes }

  const map = new StateMap(crypto, context, 30_000)
  map.apply(entry, 0)
  for (const [n, other] of [keys.host.context, keys.root.context].entries())
    map.apply({ ...entry, head: { ...head, context: other, version: NOW + n } }, 0)

  const nonce = hex(countingBytes(16, 100))
  const alive = signLife((message) => key.sign(message), context, head.incarnation, nonce)
  const hello: [string, HelloMessage][] = [
    [
      'hello',
      {
        t: 'hello',
        versions: [1],
        mesh: mesh.mesh,
        membership: membership.credential,
        incarnation: head.incarnation,
        time: NOW,
        seen: { incarnation: hex(countingBytes(16, 33)), version: NOW - 9, heads: {} },
        members: map.memberDigest,
        addresses: body.addresses,
        summary: head.body,
        nonce,
      },
    ],
    ['welcome', { t: 'welcome', nonce }],
    ['refused', { t: 'refused', code: 'ERR_DUPLICATE_IDENTITY', message: 'lives elsewhere', alive }],
  ]
  const record = { age: 1_500, head: headBytes, signature, body: bodyBytes, membership: membershipBytes }
  const state: [string, StateMessage][] = [
    ['summary', { t: 'summary', members: map.memberDigest, versions: map.versions() }],
    ['digest of the members', { t: 'digest', members: map.memberDigest, map: '' }],
    ['digest of the whole map', { t: 'digest', members: map.memberDigest, map: map.digest }],
    ['want', { t: 'want', contexts: [keys.host.context] }],
    ['acks', { t: 'acks', acks: [[context, head.version, keys.host.context]] }],
    ['challenge', { t: 'challenge', nonce }],
    ['alive', { t: 'alive', nonce, alive }],
    ['entries: one in full', { t: 'entries', records: [record] }],
    ['entries: a renewal', { t: 'entries', records: [{ ...record, body: undefined, membership: undefined }] }],
  ]
  const vector = (name: string, bytes: Uint8Array): MessageVector => ({
    name,
    ...(bytes[0] === 1 ? { hex: hex(bytes) } : { text: text(bytes) }),
    sha256: hex(crypto.sha256(bytes)),
  })
  return {
    seed: hex(seed),
    publicKey: hex(key.publicKey),
    context,
    summaries: summaries(),
    entry: {
      body: text(bodyBytes),
      bodyDigest: head.body,
      membership: membership.credential,
      membershipDigest: head.membership,
      head: text(headBytes),
      signature: hex(signature),
    },
    map: { versions: map.versions(), members: map.memberDigest, digest: map.digest },
    hello: hello.map(([name, message]) => vector(name, encodeHello(message))),
    state: state.map(([name, message]) => vector(name, encodeMessage(message))),
  }
}

if (import.meta.main)
  writeFileSync(new URL('membership.json', import.meta.url), `${JSON.stringify(membershipVectors(), null, 2)}\n`)
