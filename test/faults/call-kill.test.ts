import { expect, test } from 'vitest'
import { ContextProcess, MeshFolders } from '../integration/context-processes.ts'

test('MX-3 a context killed with SIGKILL fails the call it served at once; all calls after that are answered by others', async () => {
  using folders = new MeshFolders()
  await using victim = await ContextProcess.start(folders.founder)
  await using caller = await ContextProcess.start(folders.member('caller'), victim.addresses)
  await using other = await ContextProcess.start(folders.member('other'), victim.addresses)
  const doomed = await victim.ask('spawn')
  await other.ask('spawn')
  const served = caller.ask('call', { target: doomed, options: { capability: 'hang', deadline: 60_000 } })
  await victim.hanging()
  const failed = expect(served).rejects.toMatchObject({
    code: 'ERR_CALL_TARGET_LOST',
    details: { agent: doomed, context: victim.id, sent: true },
  })
  await victim.kill('SIGKILL')
  await failed
  // Its offers are known for up to half a minute more.
  const doubled = Array.from({ length: 40 }, (_, n) => caller.ask('call', { target: 'double', input: n }))
  expect(await Promise.all(doubled)).toEqual(Array.from({ length: 40 }, (_, n) => n * 2))
  for (let n = 0; n < 40; n += 1) expect(await caller.ask('call', { target: 'double', input: n })).toBe(n * 2)
  expect(await caller.ask('members')).toContain(victim.id)
  const lost = { code: 'ERR_CALL_TARGET_LOST', details: { target: doomed, tried: [victim.id], sent: false } }
  await expect(caller.ask('call', { target: doomed, options: { capability: 'double' } })).rejects.toMatchObject(lost)
})
