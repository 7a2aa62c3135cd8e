import { expect, test } from 'vitest'
import { CheckedEvent } from '../../../src/agent/checked-event.ts'
import { fullEvent, sampleEvent } from '../events/sample-event.ts'

test('a checked event is the event as it came, but for its data', () => {
  for (const event of [fullEvent(), sampleEvent()]) {
    const checked = new CheckedEvent(event, { checked: true })
    expect(checked.toJSON()).toEqual({ ...JSON.parse(JSON.stringify(event)), data: { checked: true } })
  }
})
