import { expect, test } from 'vitest'
import { defineAgent } from '../../src/agent/define-agent.ts'
import { simulate } from '../../src/sim/index.ts'

test('MS-2 what a context and its agents listen to gets the very next event of every other one, once announced() resolved', async () => {
  const { value } = await simulate({ seed: 5, contexts: 4 }, async ({ contexts, until }) => {
    for (const [at, context] of contexts.entries())
      await context.start(at === 0 ? {} : { bootstrap: [contexts[0]!.address] })
    const [listening, ...others] = contexts.map(({ context }) => context)
    const heard: string[] = []
    const agent = defineAgent({
      type: 'listening',
      subscribe: ['amcp.domain.declared'],
      onEvent: ({ subject }) => void heard.push(subject),
      onActivate: (self) => void self.subscribe('amcp.domain.own', ({ subject }) => void heard.push(subject)),
    })
    await listening!.spawn(agent)
    listening!.subscribe('amcp.domain.context', ({ subject }) => void heard.push(subject))
    await listening!.announced()
    expect(listening!.unconfirmed).toEqual([])
    for (const topic of ['declared', 'own', 'context'])
      for (const other of others) await other.publish(`amcp.domain.${topic}`, 1)
    await until(() => heard.length === 9, 'all heard')
    return heard
  })
  for (const topic of ['declared', 'own', 'context'])
    expect(value.filter((subject) => subject === `amcp.domain.${topic}`)).toHaveLength(3)
})

test('what an agent declares gets the very next event once spawn() resolved, and it is ACTIVE by then', async () => {
  await simulate({ seed: 6, contexts: 2 }, async ({ contexts, until }) => {
    const [one, two] = contexts
    await one!.start()
    await two!.start({ bootstrap: [one!.address] })
    const heard: unknown[] = []
    const agent = defineAgent({
      type: 'listening',
      subscribe: ['amcp.domain.declared'],
      onEvent: ({ data }) => void heard.push(data),
    })
    const { status } = await one!.context.spawn(agent)
    await two!.context.publish('amcp.domain.declared', 'first')
    await until(() => heard.length === 1, 'the first heard')
    expect([status, heard]).toEqual(['ACTIVE', ['first']])
  })
})
