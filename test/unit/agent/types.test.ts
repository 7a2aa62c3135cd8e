import { expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../src/agent/define-agent.ts'

const Reading = z.object({ load: z.number(), tags: z.array(z.string()).default([]) })
const Verdict = z.object({ anomalous: z.boolean() })

test('AG-4 types of state, events, inputs and outputs flow from the schemas', () => {
  const analyzer = defineAgent({
    type: 'analyzer',
    state: z.object({ seen: z.number().default(0) }),
    subscribe: ['amcp.domain.telemetry.>'],
    async onEvent(event, self) {
      expectTypeOf(self.state.seen).toEqualTypeOf<number>()
      self.state.seen += 1
      if (event.data.load > 0.9) await self.publish('amcp.domain.alert.load', { host: event.subject })
    },
    capabilities: {
      'anomaly.detect': {
        input: Reading,
        output: Verdict,
        version: '1.2.0',
        proficiency: 'expert',
        cost: 0.002,
        async handle(reading, self, call) {
          expectTypeOf(reading).toEqualTypeOf<{ load: number; tags: string[] }>()
          expectTypeOf(self.state.seen).toEqualTypeOf<number>()
          expectTypeOf(call.signal).toEqualTypeOf<AbortSignal>()
          return { anomalous: reading.load > 0.9 }
        },
      },
    },
  })
  expectTypeOf(analyzer.type).toEqualTypeOf<string>()

  defineAgent({
    type: 'typed',
    subscribe: { 'amcp.domain.telemetry.load': Reading, 'amcp.domain.verdict': Verdict },
    onEvent(event) {
      expectTypeOf(event.data).toEqualTypeOf<{ load: number; tags: string[] } | { anomalous: boolean }>()
    },
  })

  defineAgent({
    type: 'own',
    async onActivate(self) {
      self.subscribe('amcp.domain.x', ({ data }) => void expectTypeOf(data).toEqualTypeOf<{ anomalous: boolean }>(), {
        schema: Verdict,
      })
      self.subscribe('amcp.domain.x', ({ data }) => void expectTypeOf(data).toBeAny())
      for await (const { data } of self.subscribe('amcp.domain.x', { schema: Verdict }))
        expectTypeOf(data).toEqualTypeOf<{ anomalous: boolean }>()
      for await (const { data } of self.subscribe('amcp.domain.x')) expectTypeOf(data).toBeAny()
    },
  })

  defineAgent({
    type: 'wrong',
    capabilities: {
      // @ts-expect-error the output does not fit its schema
      detect: { output: Verdict, handle: () => ({ anomalous: 'yes' }) },
    },
  })
})
