import { describe, expect, test } from 'vitest'
import { defineAgent } from '../../../src/agent/define-agent.ts'
import { controlMethods } from '../../../src/cli/control-methods.ts'
import { readFrame } from '../../../src/events/frame/frame-reader.ts'
import { sampleFrames } from '../../../src/testing/sample-frames.ts'
import { lonely } from '../context-world.ts'
import { CliWorld } from './cli-world.ts'

describe('what the running context answers', () => {
  const running = async () => {
    const { context } = lonely()
    await context.start()
    const world = new CliWorld()
    await world.serve(controlMethods(context))
    const run = (...argv: string[]) => world.run(...argv, '-f', world.root)
    return { context, world, run, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() }
  }

  /** A tap that listens; its events, once there were so many. */
  const tapping = async (folder: string, count: number) => {
    const world = new CliWorld()
    const ran = world.run('tap', 'amcp.domain.>', '-n', String(count), '-f', folder)
    await world.until(() => world.err.includes('Listening'))
    return { events: ran.then(({ json }) => json), [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() }
  }

  const order = {
    ...{
      specversion: '1.0',
      id: 'order 7',
      source: '/plant/press',
      type: 'amcp.domain.order',
      subject: 'amcp.domain.a',
    },
    ...{ time: '2026-11-21T06:00:00Z', data: { load: 1 } },
  }

  test('tap prints what publish publishes: data, and CloudEvents in the name of the context that publishes them', async () => {
    await using cli = await running()
    await using tap = await tapping(cli.world.root, 4)
    await cli.run('publish', 'amcp.domain.a', '{"load":1}')
    const bytes = { ...order, data: undefined, datacontenttype: 'image/png', data_base64: 'AQI=' }
    const json = { ...order, data: undefined, datacontenttype: 'application/json', data_base64: 'eyJsb2FkIjoxfQ==' }
    cli.world.input = [
      JSON.stringify({ ...order, priority: '7', attempt: 3, colour: 'red', correlationid: 'all of it' }),
      JSON.stringify({ ...bytes, subject: 'amcp.domain.b' }),
      JSON.stringify(json),
    ]
    await cli.run('publish')
    const [data, first, ...rest] = await tap.events
    expect(data).toMatchObject({ subject: 'amcp.domain.a', data: { load: 1 }, specversion: '1.0' })
    const kept = { type: 'amcp.domain.order', priority: 7, attempt: '3', colour: 'red', correlationid: 'all of it' }
    expect(first).toMatchObject({ subject: 'amcp.domain.a', data: { load: 1 }, ...kept })
    expect(first!['source']).toMatch(new RegExp(`^amcp://${cli.context.id}/`))
    expect(first!['id']).toMatch(/^[0-9a-f-]{36}$/)
    expect(first!['time']).not.toBe(order.time)
    expect(rest).toMatchObject([{ subject: 'amcp.domain.b', data_base64: 'AQI=' }, { data: { load: 1 } }])
  })

  test('what tap prints in one mesh can be published in another one', async () => {
    await using one = await running()
    await using other = await running()
    await using first = await tapping(one.world.root, 2)
    await one.context.publish('amcp.domain.a', { load: 1 }, { priority: 9, extensions: { colour: 'red' } })
    await one.context.publish('amcp.domain.b', Uint8Array.of(1, 2))
    const tapped = await first.events
    await using second = await tapping(other.world.root, 2)
    other.world.input = tapped.map((event) => JSON.stringify(event))
    await other.run('publish')
    const authored = ({ id, source, time, sequence, ...event }: Record<string, unknown>): object => event
    expect((await second.events).map(authored)).toEqual(tapped.map(authored))
  })

  test('a CloudEvent that is none is refused with the number of its line and the attribute; the next ones go on', async () => {
    await using cli = await running()
    const wrong: [attribute: string, changes: object][] = [
      ['specversion', { specversion: '1.1' }],
      ['id', { id: '' }],
      ['source', { source: 'else where' }],
      ['time', { time: 'then' }],
      ['type', { type: 'com.example.order' }],
      ['empty level', { subject: 'amcp..a' }],
      ['priority', { priority: '10' }],
      ['correlationid', { correlationid: '' }],
      ['traceparent', { traceparent: '00-1' }],
      ['expirytime', { expirytime: 'soon' }],
      ['datacontenttype', { datacontenttype: 'png', data: 'text' }],
      ['Tenant', { Tenant: 'acme' }],
      ['tenant', { tenant: '' }],
      ['__proto__', JSON.parse('{"__proto__":"acme"}') as object],
    ]
    const lines = wrong.map(([, changes]) => JSON.stringify({ ...order, ...changes }))
    cli.world.input = [...lines, JSON.stringify(order)]
    await expect(cli.run('publish')).rejects.toMatchObject({ details: { refused: wrong.length } })
    const told = cli.world.err.trim().split('\n')
    for (const [at, [named]] of wrong.entries()) expect(told[at]).toMatch(new RegExp(`^line ${at + 1}: .*${named}`))
    expect(cli.world.out).toBe(`Published 1 event, refused ${wrong.length}.\n`)
  })

  test('a CloudEvent without a subject needs a topic', async () => {
    await using cli = await running()
    cli.world.input = [JSON.stringify({ ...order, subject: undefined })]
    await expect(cli.run('publish')).rejects.toMatchObject({ details: { refused: 1 } })
    expect(cli.world.err).toBe('line 1: this CloudEvent has no subject, so a topic is needed: amcp publish TOPIC\n')
    expect((await cli.run('publish', 'amcp.domain.a')).out).toBe('Published 1 event, refused 0.\n')
  })

  test('an event whose data nobody can read is told of by itself, and ends no tap', async () => {
    const { context, broker, ports } = lonely()
    await context.start()
    const tap = controlMethods(context)['tap']!({ pattern: 'amcp.domain.>' } as never, new AbortController().signal)
    const items = (tap as AsyncIterable<unknown>)[Symbol.asyncIterator]()
    expect((await items.next()).value).toEqual({ ready: true })
    const frame = Buffer.from(
      sampleFrames({ crypto: ports.crypto, key: ports.crypto.signingKey(new Uint8Array(32)) }).unsigned!,
    )
    frame.write('!', frame.indexOf('{"n":0'))
    const [event] = readFrame(frame).events()
    void broker.publish(event!)
    await context.publish('amcp.domain.b', 1)
    const { id, source, subject } = event!
    const error = { code: 'ERR_EVENT_INVALID', message: 'data is not JSON', details: { attribute: 'data' } }
    expect((await items.next()).value).toEqual({ unreadable: { id, source, subject, error } })
    expect((await items.next()).value).toMatchObject({ event: { subject: 'amcp.domain.b', data: 1 } })
    await context.stop()
  })

  test('a client that goes away ends its call and its tap', async () => {
    const { context } = lonely()
    await context.start()
    const [begun, aborted] = [Promise.withResolvers<void>(), Promise.withResolvers<unknown>()]
    await context.spawn(
      defineAgent({
        type: 'slow',
        capabilities: {
          'slow.wait': {
            handle: (_input, _self, { signal }) => {
              signal.addEventListener('abort', () => aborted.resolve(signal.reason))
              begun.resolve()
              return new Promise(() => {})
            },
          },
        },
      }),
    )
    const client = new AbortController()
    const methods = controlMethods(context)
    const call = methods['call']!({ target: 'slow.wait', input: 1, deadline: 1_000 } as never, client.signal)
    const tap = methods['tap']!({ pattern: 'amcp.domain.>' } as never, client.signal) as AsyncIterable<unknown>
    const events = tap[Symbol.asyncIterator]()
    expect((await events.next()).value).toEqual({ ready: true })
    const [next, failed] = [events.next(), expect(call).rejects.toThrow('gone')]
    await begun.promise
    client.abort(new Error('gone'))
    await failed
    expect(await aborted.promise).toMatchObject({ message: 'gone' })
    expect(await next).toMatchObject({ done: true })
  })

  test('a refused topic comes back as its typed error', async () => {
    await using cli = await running()
    await expect(cli.run('publish', 'amcp.lifecycle.a', '1')).rejects.toMatchObject({ code: 'ERR_TOPIC_RESERVED' })
    await expect(cli.run('tap', 'a..b')).rejects.toMatchObject({ code: 'ERR_TOPIC_INVALID' })
  })

  test('agents and status are told, and a call that nobody answers fails', async () => {
    await using cli = await running()
    expect((await cli.run('agents')).out).toContain('No agents yet')
    const press = defineAgent({ type: 'press' })
    const [named, nameless] = [await cli.context.spawn(press, { name: 'one' }), await cli.context.spawn(press)]
    expect((await cli.run('agents', '--json')).json).toEqual([
      { agent: named.id, type: 'press', name: 'one', status: 'ACTIVE' },
      { agent: nameless.id, type: 'press', name: '', status: 'ACTIVE' },
    ])
    await expect(cli.run('call', 'press.stop')).rejects.toMatchObject({ code: 'ERR_CAPABILITY_UNKNOWN' })
    const methods = controlMethods(cli.context)
    await expect(methods['status']!({} as never, cli.world.stop.signal)).resolves.toMatchObject({
      context: cli.context.id,
      members: [],
      unconfirmed: ['somebody'],
      addresses: ['/ip4/127.0.0.1/tcp/1'],
    })
  })
})
