import { expect, test, vi } from 'vitest'
import { defineAgent } from '../../../src/agent/define-agent.ts'
import { adder, pair } from './adder.ts'
import { World } from './world.ts'

test('“nobody offers this” is said only by a converged mesh', async () => {
  const { world, here, caller } = await pair()
  await expect(here.calls.call(caller, 'nothing', 1)).rejects.toMatchObject({ code: 'ERR_CAPABILITY_UNKNOWN' })
  await expect(here.calls.call(caller, here.mint('x', 'y'), 1)).rejects.toMatchObject({ code: 'ERR_AGENT_UNKNOWN' })
  const stranger = '99999999-0000-8000-8000-000000000001'
  await expect(here.calls.call(caller, stranger, 1)).rejects.toMatchObject({ code: 'ERR_AGENT_UNKNOWN' })
  world.isConverged = false
  for (const target of ['nothing', stranger]) {
    const call = expect(here.calls.call(caller, target, 1, { deadline: 100 })).rejects.toMatchObject({
      code: 'ERR_NOT_CONVERGED',
      retryable: true,
    })
    await world.clock.advance(104)
    await call
  }
  const waiting = here.calls.call(caller, 'nothing', 1)
  const fault = expect(waiting).rejects.toMatchObject({ code: 'ERR_CAPABILITY_UNKNOWN' })
  world.isConverged = true
  world.changed()
  await fault
})

test('a call waits for a provider to be known, elsewhere or here, and then goes out', async () => {
  const { world, here, there, caller } = await pair()
  world.isConverged = false
  const late = here.calls.call(caller, 'late', 1)
  const own = here.calls.call(caller, 'own', 1)
  const define = (name: string) => defineAgent({ type: name, capabilities: { [name]: { handle: () => name } } })
  await there.registry.spawn(define('late'))
  expect(await late).toBe('late')
  await here.registry.spawn(define('own'))
  here.calls.reconsider()
  expect(await own).toBe('own')
  expect(world.published.filter(({ type }) => type === 'amcp.command.call')).toHaveLength(2)
})

test('providers are taken local first, else in turn', async () => {
  const world = new World()
  const [here, one, two] = [world.context('here'), world.context('one'), world.context('two')]
  for (const place of world.contexts) await place.start()
  const remote = [(await one.registry.spawn(adder())).id, (await two.registry.spawn(adder())).id]
  const caller = here.mint('context', 'self')
  const answers = [await here.calls.call(caller, 'who', 1), await here.calls.call(caller, 'who', 1)]
  expect(answers.sort()).toEqual(remote.sort())
  const [first, second] = [await here.registry.spawn(adder()), await here.registry.spawn(adder())]
  expect(await here.calls.call(caller, 'who', 1)).toBe(first.id)
  expect(await here.calls.call(caller, 'who', 1)).toBe(second.id)
  expect(await here.calls.call(caller, 'who', 1)).toBe(first.id)
})

test('providers elsewhere have the same share each, whoever calls in between', async () => {
  const world = new World()
  const here = world.context('here')
  const others = ['one', 'two', 'three'].map((name) => world.context(name))
  for (const place of world.contexts) await place.start()
  for (const place of others) await place.registry.spawn(adder())
  const shares = new Map<unknown, number>()
  for (let call = 0; call < 12; call += 1) {
    const who = await here.calls.call(here.mint('context', `caller ${call % 5}`), 'who', 1)
    shares.set(who, (shares.get(who) ?? 0) + 1)
  }
  expect([...shares.values()]).toEqual([4, 4, 4])
})

test('our own offer that is still listed after its agent went is passed over', async () => {
  const { world, here, there, caller } = await pair()
  vi.spyOn(there, 'offersOf').mockReturnValue({
    offers: [{ agent: 'gone', capability: 'x', version: '1.0.0', context: 'there' }],
    complete: true,
  })
  await expect(there.calls.call(caller, 'x', 1)).rejects.toMatchObject({ code: 'ERR_CAPABILITY_UNKNOWN' })
  expect(world.published).toEqual([])
  expect(here.calls.open).toBe(0)
})

test('an agent that is gone answers with ERR_AGENT_UNKNOWN, one without the capability with ERR_CAPABILITY_UNKNOWN', async () => {
  const { here, there, caller, target } = await pair()
  await expect(here.calls.call(caller, target, 1)).rejects.toMatchObject({
    code: 'ERR_CAPABILITY_UNKNOWN',
    details: { offered: expect.arrayContaining(['add', 'who']) },
  })
  await expect(here.calls.call(caller, target, 1, { capability: 'fly' })).rejects.toMatchObject({
    code: 'ERR_CAPABILITY_UNKNOWN',
  })
  await there.registry.destroy([target])
  await expect(here.calls.call(caller, target, 1)).rejects.toMatchObject({ code: 'ERR_AGENT_UNKNOWN' })
})
