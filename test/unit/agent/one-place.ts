import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { defineAgent } from '../../../src/agent/define-agent.ts'
import { type Place, World } from '../calls/world.ts'

export async function one(): Promise<{ world: World; place: Place }> {
  const world = new World()
  const place = world.context('here')
  await place.start()
  return { world, place }
}

export function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}

export const listener = (log: unknown[], more: object = {}) =>
  defineAgent({
    type: 'listener',
    subscribe: ['amcp.domain.>'],
    onEvent(got) {
      log.push(got.data)
    },
    ...more,
  })
