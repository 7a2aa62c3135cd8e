import { TopicTrie } from '../../src/events/topic-trie.ts'
import { median, pairCount, printFigure, windowSeconds } from './harness/pairs.ts'

/**
 * Topics matched a second against 100,000 patterns, a fifth of them with wildcards; about 10 patterns match a topic.
 * Every topic is matched once a round, in an order that is no pattern's, so that no result and no cache line is at hand.
 */
const PATTERNS = 100_000
const TOPICS = 10_000
const FLOOR = 500_000

/** Always the same numbers, so that every run measures the same patterns. */
let state = 12_345
const below = (limit: number): number => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
  return Math.floor((state / 2 ** 32) * limit)
}

const topics = Array.from(
  { length: TOPICS },
  (_, n) => `amcp.domain.plant-${n % 20}.line-${Math.floor(n / 20) % 25}.cell-${Math.floor(n / 500)}.reading`,
)
const trie = new TopicTrie<number>()
const add = (pattern: string): void => trie.add(pattern, trie.size)
for (let n = 0; n < PATTERNS * 0.2; n += 1) {
  const [, , plant, line, cell] = topics[below(TOPICS)]!.split('.')
  const kinds = [
    `amcp.domain.${plant}.${line}.${cell}.*`,
    `amcp.domain.${plant}.${line}.${cell}.>`,
    `amcp.domain.${plant}.*.${cell}.alarm-${n}`,
    `amcp.domain.*.${line}.${cell}.state-${n}`,
    `amcp.agent.${n}.>`,
  ]
  add(n % 40 === 0 ? `amcp.domain.*.${line}.${cell}.>` : kinds[n % kinds.length]!)
}
while (trie.size < PATTERNS) add(topics[below(TOPICS)]!)

for (let at = TOPICS - 1; at > 0; at -= 1) {
  const other = below(at + 1)
  const topic = topics[at]!
  topics[at] = topics[other]!
  topics[other] = topic
}

const out: number[] = []
let found = 0
function round(): void {
  found = 0
  for (const topic of topics) {
    out.length = 0
    trie.match(topic, out)
    found += out.length
  }
}

function rate(): number {
  const start = process.hrtime.bigint()
  const end = start + BigInt(windowSeconds) * 1_000_000_000n
  let now = start
  let rounds = 0
  for (; now < end; now = process.hrtime.bigint()) {
    round()
    rounds += 1
  }
  return (rounds * TOPICS) / (Number(now - start) / 1e9)
}

rate()
const rates = Array.from({ length: pairCount }, rate)
const matchesPerTopic = found / TOPICS
if (matchesPerTopic < 8) throw new Error(`a topic matches ${matchesPerTopic} patterns: too few to be a measurement`)
printFigure({
  figure: 'trie',
  value: median(rates),
  unit: 'matches/s',
  rival: null,
  rivalValue: null,
  ratio: null,
  conditions: {
    patterns: PATTERNS,
    wildcardShare: 0.2,
    topics: TOPICS,
    matchesPerTopic,
    cache: 'none',
    floor: FLOOR,
    spread: [Math.min(...rates), Math.max(...rates)].map(Math.round),
  },
})
