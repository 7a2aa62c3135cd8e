import type { AmcpEvent } from '../../../src/events/event.ts'
import { sourceOf } from '../../../src/events/source.ts'

export const context = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
export const agent = '0f0e0d0c-0b0a-8908-8706-050403020100'

/** A valid event with what a test wants to be different; a key given as undefined is absent. */
export const sampleEvent = (changes: Readonly<Record<string, unknown>> = {}): AmcpEvent =>
  ({
    specversion: '1.0',
    id: '5b6e9c1a-7f5e-4c3d-9b1a-0123456789ab',
    source: sourceOf(context, agent),
    type: 'amcp.domain.event',
    subject: 'amcp.domain.weather.paris',
    time: '2026-11-21T05:00:00.123Z',
    datacontenttype: 'application/json',
    data: { celsius: 21.5 },
    ...changes,
  }) as AmcpEvent

/** The same with every attribute that AMCP knows. */
export const fullEvent = (): AmcpEvent =>
  sampleEvent({
    correlationid: 'order-7',
    causationid: '1f1e1d1c-1b1a-8918-9716-151413121110',
    replyto: `amcp.agent.${agent}`,
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    sequence: '00000000000000000042',
    partitionkey: 'plant-7',
    expirytime: '2026-11-21T06:00:00Z',
    priority: 9,
    extensions: { tenant: 'acme' },
  })
