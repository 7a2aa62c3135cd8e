import { defineAgent } from 'amcp-mesh'
import { createTelemetry } from './telemetry.ts'

/** Starting a process costs processor time of its own: readings of its first seconds are marked as warming. */
const warmUpMilliseconds = 2_500
export const readingsPerSecond = 5

/** Publishes what this machine really does, several times a second. */
export const sensor = (host: string, onPublished: (number: number) => void) =>
  defineAgent({
    type: 'sensor',
    onActivate(self) {
      const read = createTelemetry(host, warmUpMilliseconds)
      self.every(1_000 / readingsPerSecond, async () => {
        const reading = read()
        await self.publish(`amcp.domain.telemetry.${host}`, reading)
        onPublished(reading.number)
      })
    },
  })
