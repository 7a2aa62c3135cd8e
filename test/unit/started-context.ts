import { type Lonely, lonely } from './context-world.ts'

export async function started(schemas?: Parameters<typeof lonely>[0]): Promise<Lonely> {
  const world = lonely(schemas)
  await world.context.start()
  return world
}
