import { spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { Command } from 'commander'

/**
 * The long proofs: the tests' own code at the counts that a claim needs. What a round prints as JSON lines, figures, is
 * passed on as it is. Each round is a line in `.cache/prove.jsonl`
 * under the commit it ran on, so that an interrupted proof goes on where it was.
 */
interface Proof {
  readonly says: string
  readonly command: readonly string[]
  /** How often the command runs. */
  readonly rounds: number
  readonly quickRounds: number
  readonly environment?: (quick: boolean, seeds: number | undefined) => Record<string, string>
}

/** Courses that nobody has seen yet, but not in a quick run, which must tell about the code alone. */
const free = (quick: boolean): Record<string, string> => (quick ? {} : { FREE_SEED: '1' })

const proofs: Readonly<Record<string, Proof>> = {
  flaky: {
    says: 'the integration folder passes in every one of 20 runs',
    command: ['vitest', 'run', 'test/integration'],
    rounds: 20,
    // `npm test` and `npm run check` have run it twice by then.
    quickRounds: 0,
  },
  fuzz: {
    says: '100,000 structure-aware mutations of signed frames are refused or harmless to a receiver, and counted',
    command: ['vitest', 'run', 'test/faults/receiver-fuzz.test.ts'],
    rounds: 1,
    quickRounds: 1,
    environment: (quick, seeds) => ({ FUZZ_COUNT: String(seeds ?? (quick ? 10_000 : 100_000)) }),
  },
  join: {
    says: 'after start() the next event of every member of a mesh of 20 is received, in 100 of 100 tries',
    command: ['vitest', 'run', 'test/integration/join.test.ts'],
    rounds: 1,
    quickRounds: 1,
    environment: (quick, seeds) => ({ JOIN_TRIES: String(seeds ?? (quick ? 2 : 100)) }),
  },
  large: {
    says: 'in a mesh of 70 over libp2p every event of every member is heard once by each listener',
    command: ['node', 'test/proofs/large-mesh.ts'],
    rounds: 1,
    quickRounds: 1,
    environment: (quick) => ({ LARGE_ROUNDS: quick ? '1' : '5' }),
  },
  order: {
    says: 'every event once and in order, or its loss counted, in 2,000 random courses of each kind',
    command: ['vitest', 'run', 'test/property/mesh-order.test.ts'],
    rounds: 1,
    quickRounds: 1,
    environment: (quick, seeds) => ({ ORDER_RUNS: String(seeds ?? (quick ? 200 : 2_000)), ...free(quick) }),
  },
  sim: {
    says: 'one seed gives one SHA-256 in 20 runs of 200 agents under load',
    command: ['vitest', 'run', 'test/integration/sim-mesh.test.ts'],
    rounds: 1,
    quickRounds: 1,
    environment: (quick, seeds) => ({ SIM_RUNS: String(seeds ?? (quick ? 4 : 20)), SIM_AGENTS: '200' }),
  },
  trouble: {
    says: 'whatever crashes, parts or is aborted: calls end in time and run once, and the mesh heals with every event heard once',
    command: ['vitest', 'run', 'test/property/calls-in-trouble.test.ts', 'test/property/mesh-heals.test.ts'],
    rounds: 1,
    quickRounds: 1,
    environment: (quick, seeds) => ({
      CALL_RUNS: String(seeds ?? (quick ? 50 : 1_000)),
      HEAL_RUNS: String(seeds ?? (quick ? 10 : 200)),
      ...free(quick),
    }),
  },
  soak: {
    says: 'received = published, in order, with steady memory, on each lane',
    command: ['node', 'test/bench/soak.ts'],
    rounds: 1,
    quickRounds: 1,
    environment: (quick) => ({ SOAK_SECONDS: quick ? '20' : '600' }),
  },
}

const program = new Command('prove')
  .description('Runs the long proofs and prints one JSON line a round.')
  .argument('[name]', `one of ${Object.keys(proofs).join(', ')}; all without a name`)
  .option('--seeds <n>', 'how many seeds or tries', Number)
  .option('--quick', 'counts that end in a few minutes')
  .parse()
const { seeds, quick = false } = program.opts<{ seeds?: number; quick?: boolean }>()
const only = program.args[0]
if (only !== undefined && proofs[only] === undefined)
  program.error(`there is no proof ${only}: ${Object.keys(proofs).join(', ')}`)

const journal = '.cache/prove.jsonl'
mkdirSync('.cache', { recursive: true })
const commit = spawnSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).stdout.trim()
const clean = spawnSync('git', ['status', '--porcelain'], { encoding: 'utf8' }).stdout === ''
const before = existsSync(journal) ? readFileSync(journal, 'utf8').split('\n').filter(Boolean) : []

interface Round {
  proof: string
  round: number
  commit: string
  environment: Record<string, string>
  passed: boolean
}
const earlier = before.map((line) => JSON.parse(line) as Round)
const key = (round: Round): string => JSON.stringify([round.proof, round.round, round.commit, round.environment])
const passedBefore = new Set(clean ? earlier.filter((round) => round.passed).map(key) : [])

let failed = 0
for (const [name, proof] of Object.entries(proofs)) {
  if (only !== undefined && only !== name) continue
  console.error(`${name}: ${proof.says}`)
  const environment = proof.environment?.(quick, seeds) ?? {}
  const rounds = quick ? proof.quickRounds : name === 'flaky' ? (seeds ?? proof.rounds) : proof.rounds
  for (let round = 1; round <= rounds; round += 1) {
    const line: Round = { proof: name, round, commit, environment, passed: true }
    if (passedBefore.has(key(line))) continue
    const [command, ...args] = proof.command
    const env = { ...process.env, ...environment }
    const result = spawnSync(command!, args, { env, encoding: 'utf8', maxBuffer: 2 ** 26 })
    line.passed = result.status === 0
    for (const said of result.stdout.split('\n')) if (said.startsWith('{')) console.log(said)
    if (!line.passed) {
      failed += 1
      console.error(result.stdout.slice(-4_000), result.stderr.slice(-2_000))
    }
    appendFileSync(journal, `${JSON.stringify(line)}\n`)
    console.log(JSON.stringify(line))
  }
}
process.exitCode = failed === 0 ? 0 : 1
