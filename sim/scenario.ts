import type { SwarmEvent } from '../src/sim/index.ts'

export interface ScenarioOptions {
  readonly agents: number
  readonly seed: number
}

/** One line of a scenario's table; `holds` is undefined for figures that are only told. */
export interface Row {
  readonly what: string
  readonly value: string
  readonly holds?: boolean
}

export interface Outcome {
  readonly rows: readonly Row[]
  readonly sha256: string
  readonly lines: number
  /** Virtual ms. */
  readonly elapsed: number
  /** The trace, as `sha256sum` would be given it. */
  readonly trace: readonly Uint8Array[]
  readonly events: readonly SwarmEvent[]
  /** Moments to mark in a chart, by their virtual ms. */
  readonly marks: readonly (readonly [at: number, label: string])[]
}

export interface Scenario {
  readonly name: string
  readonly description: string
  run(options: ScenarioOptions): Promise<Outcome>
}
