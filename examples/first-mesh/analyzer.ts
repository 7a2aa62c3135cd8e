import { defineAgent } from 'amcp-mesh'
import { z } from 'zod'

const Reading = z.object({ host: z.string(), load: z.number() })
const Verdict = z.object({ anomalous: z.boolean() })

export const analyzer = defineAgent({
  type: 'analyzer',
  state: z.object({ seen: z.number().default(0) }),
  subscribe: { 'amcp.domain.telemetry.>': Reading },
  async onEvent(event, self) {
    self.state.seen += 1
    if (event.data.load > 0.9) await self.publish('amcp.domain.alert.load', { host: event.data.host })
  },
  capabilities: {
    'anomaly.detect': {
      input: Reading,
      output: Verdict,
      handle: (reading) => ({ anomalous: reading.load > 0.9 }),
    },
  },
})
