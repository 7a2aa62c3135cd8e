import { expect, test, vi } from 'vitest'
import { defineAgent } from '../../src/agent/define-agent.ts'
import { lonely } from './context-world.ts'
import { started } from './started-context.ts'

test('stop drains what was accepted, then stops the parts in reverse; twice is once', async () => {
  const { context, clock, log } = await started()
  const seen: unknown[] = []
  let release = (): void => {}
  await context.spawn(
    defineAgent({
      type: 'slow',
      subscribe: ['amcp.domain.x'],
      onEvent: async ({ data }) => {
        await new Promise<void>((resolve) => {
          release = resolve
        })
        seen.push(data)
      },
    }),
  )
  const stream = context.subscribe('amcp.domain.x')
  context.subscribe('amcp.domain.x', (event) => void seen.push(`handler ${event.data}`))
  await stream.ready
  await context.publish('amcp.domain.x', 1)
  await context.publish('amcp.domain.x', 2)
  const stopped = context.stop()
  await clock.advance(20)
  release()
  await clock.advance(20)
  release()
  await clock.advance(20)
  await stopped
  expect(seen).toEqual(['handler 1', 'handler 2', 1, 2])
  expect(log).toEqual(['+network', '-network'])
  await context.stop()
  await context[Symbol.asyncDispose]()
  const rest: unknown[] = []
  for await (const event of stream) rest.push(event.data)
  expect(rest).toEqual([1, 2])
  await expect(context.publish('amcp.domain.x', 1)).rejects.toMatchObject({ code: 'ERR_STOPPED' })
  await expect(context.spawn(defineAgent({ type: 'a' }))).rejects.toMatchObject({ code: 'ERR_STOPPED' })
  await expect(context.call('x', 1)).rejects.toMatchObject({ code: 'ERR_STOPPED' })
})

test('stop ends within 10 s although a handler never does: its call ends with ERR_STOPPED, and the agent is named', async () => {
  const { context, clock, ports, log } = await started()
  const warn = vi.spyOn(ports.logger, 'warn')
  let signal: AbortSignal | undefined
  const stuck = defineAgent({
    type: 'stuck',
    capabilities: {
      hang: {
        handle: (_input, _self, info) => {
          signal = info.signal
          return new Promise(() => {})
        },
      },
    },
    onDestroy: () => new Promise(() => {}),
  })
  const { id: agent } = await context.spawn(stuck)
  context.subscribe('amcp.domain.x', () => new Promise(() => {}))
  for (const n of [1, 2]) await context.publish('amcp.domain.x', n)
  const call = expect(context.call('hang', 1, { deadline: 100_000 })).rejects.toMatchObject({ code: 'ERR_STOPPED' })
  let isStopped = false
  const stopping = context.stop().then(() => {
    isStopped = true
  })
  // The rest is what the parts below leave to each other for the end.
  await clock.advance(9_500)
  expect([isStopped, signal?.aborted]).toEqual([false, false])
  await clock.advance(500)
  expect([isStopped, signal?.aborted]).toEqual([true, true])
  await Promise.all([stopping, call])
  expect(signal?.reason).toMatchObject({ code: 'ERR_STOPPED' })
  expect(ports.counters.get('agents.hung')).toBe(2)
  expect(ports.counters.get('context.handler-hung')).toBe(1)
  expect(warn.mock.calls.map(([fields]) => fields)).toEqual([
    { pattern: 'amcp.domain.x', waiting: 1 },
    { agent, type: 'stuck', what: 'a handler' },
    { agent, type: 'stuck', what: 'onDestroy' },
  ])
  expect(log.at(-1)).toBe('-network')
})

test('a call between agents here keeps its deadline while the context stops', async () => {
  const { context, clock } = await started()
  await context.spawn(defineAgent({ type: 'stuck', capabilities: { hang: { handle: () => new Promise(() => {}) } } }))
  const call = expect(context.call('hang', 1, { deadline: 1_000 })).rejects.toMatchObject({ code: 'ERR_CALL_DEADLINE' })
  const stopping = context.stop()
  await clock.advance(1_010)
  await call
  await clock.advance(9_000)
  await stopping
})

test('a stop waits for a call that no handler has begun yet, as long as its deadline', async () => {
  const { context, clock } = await started()
  const type = defineAgent({ type: 'away', capabilities: { later: { handle: () => 'done' } } })
  const agent = await context.spawn(type)
  await agent.deactivate()
  const call = context.call(agent.id, 1, { deadline: 5_000 })
  const stopping = context.stop()
  await clock.advance(1_000)
  await agent.activate()
  await clock.advance(10)
  expect(await call).toBe('done')
  await clock.advance(10)
  await stopping
})

test('a part that fails to start fails the start, and nothing runs afterwards', async () => {
  const world = lonely()
  const fault = new Error('port taken')
  await expect(world.context.start({ signal: AbortSignal.abort(fault) })).rejects.toBe(fault)
  await expect(world.context.call('x', 1)).rejects.toMatchObject({ code: 'ERR_STOPPED' })
})
