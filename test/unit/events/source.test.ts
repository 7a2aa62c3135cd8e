import { expect, test } from 'vitest'
import { parseSource, sourceOf } from '../../../src/events/source.ts'
import { agent, context } from './sample-event.ts'

test('EV-1 a source names the origin context and the agent, and is read back', () => {
  expect(sourceOf(context, agent)).toBe(`amcp://${context}/${agent}`)
  expect(parseSource(sourceOf(context, agent))).toEqual({ context, agent })
})

test.each([
  '',
  `AMCP://${context}/${agent}`,
  `amcp://${context}/${agent}/`,
  ` amcp://${context}/${agent}`,
  `amcp://${context.slice(0, 20)}/${agent}`,
  `amcp://${context}/${agent.toUpperCase()}`,
  `amcp://${context}/${agent}\n`,
])('%j is no source', (text) => {
  expect(parseSource(text)).toBeUndefined()
})
