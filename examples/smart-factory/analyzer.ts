import { defineAgent } from 'amcp-mesh'
import { z } from 'zod'
import { judge, Verdict } from './anomaly.ts'
import { Reading } from './telemetry.ts'

const windowSize = 30
/** Readings before an analyzer trusts its window. */
const enough = 8
/** A tenth of a processor: less than that is no load worth an alert. */
export const cpuFloor = 0.1
/** Two readings in a row, so that a single garbage collection is no alert. */
const confirmations = 2
/** Two seconds without an anomaly end an alarm. */
const calmReadings = 10

export const Window = z.object({ window: z.array(z.number()).min(1), value: z.number() })

export const Alert = z.object({
  host: z.string(),
  analyzer: z.string(),
  value: z.number(),
  score: z.number(),
  window: z.array(z.number()),
})
export type Alert = z.infer<typeof Alert>

const State = z.object({
  window: z.array(z.number()).default([]),
  suspicious: z.number().default(0),
  /** Calm readings that end an alarm; above zero while it lasts, so that a flickering load is one alert. */
  alarmedFor: z.number().default(0),
})

/** Watches one host's processor use, raises one alert for each load, and judges any window it is asked about. */
export const analyzer = (host: string, name: string) =>
  defineAgent({
    type: 'analyzer',
    state: State,
    subscribe: { [`amcp.domain.telemetry.${host}`]: Reading },
    async onEvent({ data: reading }, self) {
      const { state } = self
      if (reading.warming) {
        self.state = State.parse({}) // a restarted process has no past worth comparing with
        return
      }
      const verdict = state.window.length < enough ? undefined : judge(state.window, reading.processCpu, cpuFloor)
      if (verdict?.anomalous !== true) {
        state.window = [...state.window, reading.processCpu].slice(-windowSize)
        state.suspicious = 0
        state.alarmedFor = Math.max(0, state.alarmedFor - 1)
        return
      }
      state.suspicious += 1
      const isKnown = state.alarmedFor > 0
      if (isKnown || state.suspicious >= confirmations) state.alarmedFor = calmReadings
      if (isKnown || state.alarmedFor === 0) return
      const { window } = state
      const alert: Alert = { host, analyzer: name, value: reading.processCpu, score: verdict.score, window }
      await self.publish('amcp.domain.alert.cpu', alert, { priority: 9 })
    },
    capabilities: {
      'anomaly.detect': {
        input: Window,
        output: Verdict,
        version: '1.0.0',
        proficiency: 'expert',
        handle: ({ window, value }) => judge(window, value, cpuFloor),
      },
    },
  })
