import { expect, test } from 'vitest'
import { ContextProcess, MeshFolders } from './context-processes.ts'

test('MX-1 four processes: everybody gets everything in order, and goes on when one is killed and comes back', async () => {
  using mesh = new MeshFolders()
  await using first = await ContextProcess.start(mesh.founder)
  const folders = ['b', 'c', 'd'].map((name) => mesh.member(name))
  await using second = await ContextProcess.start(folders[0]!, first.addresses)
  await using third = await ContextProcess.start(folders[1]!, second.addresses)
  await using fourth = await ContextProcess.start(folders[2]!, first.addresses)
  const all = [first, second, third, fourth]
  for (const context of all) await context.ask('subscribe', 'amcp.domain.>')
  const data = Array.from({ length: 100 }, (_, n) => n)
  await Promise.all(all.map((context, at) => context.ask('publish', { topic: `amcp.domain.from.${at}`, data })))
  for (const context of all) {
    await context.until(() => context.events.length === 4 * data.length)
    for (const at of all.keys()) {
      const from = context.events.filter(({ subject }) => subject === `amcp.domain.from.${at}`)
      expect(from.map((event) => event.data)).toEqual(data)
    }
  }

  const agent = await fourth.ask('spawn')
  expect(await second.ask('call', { target: 'double', input: 1 })).toBe(2)
  await fourth.kill('SIGKILL')
  await using again = await ContextProcess.start(folders[2]!, second.addresses)
  expect(await again.ask('spawn')).toBe(agent)
  expect(await third.ask('call', { target: agent, input: 5, options: { capability: 'double' } })).toBe(10)
  await again.ask('subscribe', 'amcp.domain.>')
  await first.ask('publish', { topic: 'amcp.domain.again', data: ['back'] })
  await again.until(() => again.events.length > 0)
  expect(again.events).toEqual([{ subject: 'amcp.domain.again', data: 'back' }])
})
