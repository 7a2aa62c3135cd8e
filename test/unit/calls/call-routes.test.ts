import { expect, test } from 'vitest'
import { defineAgent } from '../../../src/agent/define-agent.ts'
import { type Place, World } from './world.ts'

const where = (name: string) => defineAgent({ type: 'where', capabilities: { where: { handle: () => name } } })
const dead = new Error('nobody lives there')

/** A caller and as many contexts as are named, each with an agent that says where it is. */
async function mesh(...names: string[]): Promise<{ world: World; here: Place; caller: string; places: Place[] }> {
  const world = new World()
  const here = world.context('here')
  await here.start()
  const places: Place[] = []
  for (const name of names) {
    const place = world.context(name)
    await place.start()
    await place.registry.spawn(where(name))
    places.push(place)
  }
  return { world, here, places, caller: here.mint('context', 'self') }
}

const sequence = async (here: Place, caller: string, count: number): Promise<unknown[]> => {
  const answers: unknown[] = []
  for (let at = 0; at < count; at += 1) answers.push(await here.calls.call(caller, 'where', null))
  return answers
}

test('a provider whose link was lost comes last for 5 s, and at once again when there is a link', async () => {
  const { world, here, caller } = await mesh('a', 'b', 'c')
  here.calls.contextLost('b')
  const answers = await sequence(here, caller, 6)
  expect([answers.includes('b'), new Set(answers).size]).toEqual([false, 2])
  here.calls.contextFound('b')
  expect(await sequence(here, caller, 3)).toContain('b')
  here.calls.contextLost('b')
  await world.clock.advance(5_000)
  expect(await sequence(here, caller, 3)).toContain('b')
})

test('providers take turns for each capability by itself, also when calls alternate between two', async () => {
  const { here, caller, places } = await mesh('p', 'q')
  for (const { self, registry } of places) {
    const handle = (): string => self
    await registry.spawn(defineAgent({ type: 'both', capabilities: { a: { handle }, b: { handle } } }))
  }
  const answers: Record<string, unknown[]> = { a: [], b: [] }
  for (const capability of ['a', 'b', 'a', 'b', 'a', 'b', 'a', 'b'])
    answers[capability]!.push(await here.calls.call(caller, capability, null))
  expect(Object.values(answers).map((places) => places.filter((name) => name === 'p').length)).toEqual([2, 2])
})

test('a lost provider is still called when there is no other', async () => {
  const { here, caller } = await mesh('a')
  here.calls.contextLost('a')
  expect(await here.calls.call(caller, 'where', null)).toBe('a')
})

test('a call whose provider cannot be reached goes to the next one, and was never sent to the first', async () => {
  const { world, here, caller } = await mesh('a', 'b')
  world.reach.set('a', Promise.reject(dead))
  expect(await sequence(here, caller, 4)).toEqual(['b', 'b', 'b', 'b'])
  const calls = world.published.filter(({ type }) => type === 'amcp.command.call')
  expect(calls).toHaveLength(4)
  expect(here.ports.counters.get('calls.unreachable')).toBe(1)
  expect(here.calls.open).toBe(0)
})

test('a call that nobody who serves it could be reached for fails at once and says so', async () => {
  const { world, here, places, caller } = await mesh('a', 'b')
  for (const name of ['a', 'b']) world.reach.set(name, Promise.reject(dead))
  await expect(here.calls.call(caller, 'where', null)).rejects.toMatchObject({
    code: 'ERR_CALL_TARGET_LOST',
    retryable: true,
    details: { target: 'where', tried: expect.arrayContaining(['a', 'b']), sent: false },
  })
  const agent = places[0]!.registry.list[0]!.id
  await expect(here.calls.call(caller, agent, null, { capability: 'where' })).rejects.toMatchObject({
    code: 'ERR_CALL_TARGET_LOST',
    details: { target: agent, tried: ['a'], sent: false },
  })
  expect([world.published, here.calls.open]).toEqual([[], 0])
})

test('while the way to one provider is being made others are preferred, and it is called when the way is there', async () => {
  const { world, here, caller } = await mesh('a', 'b')
  const way = Promise.withResolvers<void>()
  world.reach.set('a', way.promise)
  const waiting = [0, 1].map(() => here.calls.call(caller, 'where', null))
  expect(await sequence(here, caller, 3)).toEqual(['b', 'b', 'b'])
  expect(here.calls.open).toBe(1)
  way.resolve()
  expect(await Promise.all(waiting)).toEqual(['a', 'b'])
})

test('calls to one context share the making of the way', async () => {
  const { world, here, caller } = await mesh('a')
  const way = Promise.withResolvers<void>()
  world.reach.set('a', way.promise)
  const calls = [0, 1, 2].map(() => here.calls.call(caller, 'where', null))
  expect([here.calls.open, world.published]).toEqual([3, []])
  world.reach.delete('a')
  way.resolve()
  expect(await Promise.all(calls)).toEqual(['a', 'a', 'a'])
})

test('a call that waits for a way ends at its deadline, by its signal or with its context, and is not sent afterwards', async () => {
  const { world, here, caller } = await mesh('a')
  const way = Promise.withResolvers<void>()
  world.reach.set('a', way.promise)
  const reason = new Error('changed my mind')
  const abort = new AbortController()
  const late = expect(here.calls.call(caller, 'where', null, { deadline: 50 })).rejects.toMatchObject({
    code: 'ERR_CALL_DEADLINE',
  })
  const aborted = expect(here.calls.call(caller, 'where', null, { signal: abort.signal })).rejects.toBe(reason)
  const stopped = expect(here.calls.call(caller, 'where', null)).rejects.toMatchObject({ code: 'ERR_STOPPED' })
  expect(here.calls.open).toBe(3)
  abort.abort(reason)
  await world.clock.advance(60)
  expect(here.calls.open).toBe(1)
  here.calls.stop()
  await Promise.all([late, aborted, stopped])
  way.resolve()
  await way.promise
  expect([world.published, here.calls.open]).toEqual([[], 0])
})

test('an agent that refuses is asked last for a while: its mailbox is full, it is gone, or its context stops', async () => {
  const { here, places, caller } = await mesh('a', 'b')
  places[0]!.calls.refuse()
  const outcomes: unknown[] = []
  for (let at = 0; at < 6; at += 1)
    outcomes.push(await here.calls.call(caller, 'where', null).catch(({ code }: { code: string }) => code))
  expect(outcomes.toSorted()).toEqual(['ERR_STOPPED', 'b', 'b', 'b', 'b', 'b'])
})

test('a call that was passed on in vain waits for nobody else, although the mesh has not converged', async () => {
  const { world, here, caller } = await mesh('a')
  world.reach.set('a', Promise.reject(dead))
  world.isConverged = false
  await expect(here.calls.call(caller, 'where', null)).rejects.toMatchObject({ code: 'ERR_CALL_TARGET_LOST' })
})

test('a call goes to an agent that was spawned here while the way to another context failed', async () => {
  const { world, here, caller } = await mesh('a')
  const way = Promise.withResolvers<void>()
  world.reach.set('a', way.promise)
  const call = here.calls.call(caller, 'where', null)
  await here.registry.spawn(where('here'))
  way.reject(dead)
  expect(await call).toBe('here')
})

test('a call waits again when the agent it was for is not known any more after its way failed', async () => {
  const { world, here, places, caller } = await mesh('a')
  const way = Promise.withResolvers<void>()
  world.reach.set('a', way.promise)
  const agent = places[0]!.registry.list[0]!.id
  const call = expect(here.calls.call(caller, agent, null, { deadline: 100 })).rejects.toMatchObject({
    code: 'ERR_NOT_CONVERGED',
  })
  world.isConverged = false
  world.leave(places[0]!)
  way.reject(dead)
  await world.clock.advance(110)
  await call
})
