import { describe, expect, test } from 'vitest'
import { type ControlMethod, serveMethods } from '../../../src/cli/control-server.ts'
import { AmcpError } from '../../../src/core/errors.ts'
import { folderPaths } from '../../../src/identity/context-folder.ts'
import { CliWorld } from './cli-world.ts'

const serving = async (methods: Record<string, ControlMethod>) => {
  const world = new CliWorld()
  await world.serve(methods)
  const run = (...argv: string[]) => world.run(...argv, '-f', world.root)
  return { world, run, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() }
}

describe('agents', () => {
  test('lists the agents as a table or as JSON lines', async () => {
    const row = { agent: 'id-1', type: 'press', name: 'one', status: 'ACTIVE' }
    await using cli = await serving({ agents: async () => [row, { ...row, agent: 'id-2', name: '' }] })
    expect((await cli.run('agents')).out).toMatch(/agent[\s\S]*id-1[\s\S]*press[\s\S]*id-2/)
    expect((await cli.run('agents', '--json')).json).toEqual([row, { ...row, agent: 'id-2', name: '' }])
  })

  test('says how to get agents when there are none', async () => {
    await using cli = await serving({ agents: async () => [] })
    expect((await cli.run('agents')).out).toContain('amcp up --agents')
  })

  test.each([['agents'], ['call', 'a.b'], ['publish', 'amcp.domain.a', '1'], ['tap']])(
    '%s says how to come by a context when there is none, and how to start one that does not run',
    async (...argv) => {
      await using world = new CliWorld()
      const fault = (folder: string): Promise<unknown> =>
        world.run(...argv, '-f', folder).catch((error: unknown) => error)
      expect(await fault(world.folder)).toMatchObject({
        code: 'ERR_CONTROL_UNAVAILABLE',
        message: expect.stringMatching(/no context in .*context: .*amcp init/),
      })
      expect(await fault(world.root)).toMatchObject({
        code: 'ERR_CONTROL_UNAVAILABLE',
        message: expect.stringContaining('start it with amcp up'),
      })
    },
  )
})

describe('call', () => {
  const echo = { call: async (request: unknown) => ({ output: request }) }

  test('sends JSON, or plain text as it stands, and prints the answer', async () => {
    await using cli = await serving(echo)
    const asked = async (...argv: string[]) => (await cli.run('call', ...argv, '--json')).json[0]
    expect(await asked('a.b', '{"load":3}')).toEqual({ target: 'a.b', input: { load: 3 }, deadline: 5_000 })
    expect(await asked('a.b', 'hello', '-d', '250')).toEqual({ target: 'a.b', input: 'hello', deadline: 250 })
    expect(await asked('a.b')).toMatchObject({ input: {} })
    expect((await cli.run('call', 'a.b')).out).toContain('\n  "target": "a.b"')
  })

  test('fails with the typed error of the call', async () => {
    await using cli = await serving({
      call: async () => {
        throw new AmcpError('ERR_CAPABILITY_UNKNOWN', 'nobody offers a.b')
      },
    })
    await expect(cli.run('call', 'a.b')).rejects.toMatchObject({ code: 'ERR_CAPABILITY_UNKNOWN' })
  })

  test('ends when the user stops, and the context gives the call up', async () => {
    const [begun, cancelled] = [Promise.withResolvers<void>(), Promise.withResolvers<unknown>()]
    await using cli = await serving({
      call: (_request: unknown, signal: AbortSignal) => {
        signal.addEventListener('abort', () => cancelled.resolve(signal.reason))
        begun.resolve()
        return new Promise(() => {})
      },
    })
    const call = expect(cli.run('call', 'a.b')).rejects.toThrow('stopped by SIGINT')
    await begun.promise
    cli.world.stop.abort(new Error('stopped by SIGINT'))
    await call
    expect(await cancelled.promise).toMatchObject({ message: 'the client went away' })
    await expect(cli.run('call', 'a.b')).rejects.toThrow('stopped by SIGINT')
  })

  test('refuses an input that was meant as JSON and is none', async () => {
    await using world = new CliWorld()
    await expect(world.run('call', 'a.b', '{load:3}')).rejects.toMatchObject({ code: 'commander.invalidArgument' })
    expect(world.err).toContain('it is no JSON')
  })

  test('refuses a deadline that is no number above zero', async () => {
    await using world = new CliWorld()
    await expect(world.run('call', 'a.b', '-d', 'soon')).rejects.toMatchObject({ code: 'commander.invalidArgument' })
  })
})

describe('publish', () => {
  const collecting = async (refuse: (data: unknown) => boolean = () => false) => {
    const requests: Record<string, unknown>[] = []
    const cli = await serving({
      publish: async (request: Record<string, unknown>) => {
        if (refuse(request['data'])) throw new AmcpError('ERR_EVENT_INVALID', 'refused')
        requests.push(request)
      },
    })
    return { ...cli, requests }
  }

  test('publishes one event with the data given', async () => {
    await using cli = await collecting()
    expect((await cli.run('publish', 'amcp.domain.a', '{"load":1}')).out).toBe('Published 1 event.\n')
    expect((await cli.run('publish', 'amcp.domain.a', 'text', '--json')).json).toEqual([{ published: 1, refused: 0 }])
    expect(cli.requests).toEqual([
      { topic: 'amcp.domain.a', data: { load: 1 } },
      { topic: 'amcp.domain.a', data: 'text' },
    ])
  })

  test('publishes a line each of the input, in order, however many; empty ones do not count', async () => {
    await using cli = await collecting()
    cli.world.input = [...Array.from({ length: 500 }, (_, n) => `{"n":${n}}`), '', '  ', 'plain']
    expect((await cli.run('publish', 'amcp.domain.a', '--json')).json).toEqual([{ published: 501, refused: 0 }])
    expect(cli.requests.map(({ data }) => data)).toEqual([...Array.from({ length: 500 }, (_, n) => ({ n })), 'plain'])
  })

  test('a CloudEvent, also one given as data, is handed on whole, with the topic if one is given', async () => {
    await using cli = await collecting()
    const event = { specversion: '1.1', id: '', colour: 'red', data_base64: 'AQI=' }
    cli.world.input = [JSON.stringify(event)]
    await cli.run('publish')
    await cli.run('publish', 'amcp.domain.a')
    await cli.run('publish', 'amcp.domain.b', JSON.stringify(event))
    await cli.run('publish', JSON.stringify(event))
    const [to, third] = ['amcp.domain.a', 'amcp.domain.b'].map((topic) => ({ event, topic }))
    expect(cli.requests).toEqual([{ event }, to, third, { event }])
    await expect(cli.run('publish', '{"load":1}')).rejects.toThrow('a topic is needed: amcp publish TOPIC')
  })

  test('a refused line is told with its number, the next ones go on, and the command fails', async () => {
    await using cli = await collecting((data) => data === 2)
    cli.world.input = ['1', '2', '', '3']
    await expect(cli.run('publish', 'amcp.domain.a')).rejects.toMatchObject({
      code: 'ERR_EVENT_INVALID',
      details: { refused: 1 },
    })
    expect(cli.world.err).toBe('line 2: refused\n')
    expect(cli.world.out).toBe('Published 2 events, refused 1.\n')
  })

  test('a line that names no topic is refused when none is given', async () => {
    await using cli = await collecting()
    cli.world.input = ['{"load":1}', 'null', '3']
    await expect(cli.run('publish')).rejects.toMatchObject({ details: { refused: 3 } })
    expect(cli.world.err).toContain('line 1: ')
    expect(cli.world.err).toContain('a topic is needed')
  })

  test('machines read of a refused line as JSON', async () => {
    await using cli = await collecting((data) => data === 1)
    cli.world.input = ['1']
    await expect(cli.run('publish', 'amcp.domain.a', '--json')).rejects.toMatchObject({
      message: '1 line refused',
    })
    expect(JSON.parse(cli.world.err)).toEqual({
      line: 1,
      error: { code: 'ERR_EVENT_INVALID', message: 'refused', details: {} },
    })
  })

  test('a line that was meant as JSON and is none is refused, unless lines are taken as they are', async () => {
    await using cli = await collecting()
    cli.world.input = ['{"load":', '[info] started', '{"load":1}']
    await expect(cli.run('publish', 'amcp.domain.a')).rejects.toMatchObject({ details: { refused: 1 } })
    expect(cli.world.err).toMatch(/^line 1: it is no JSON: .*--text/)
    expect(cli.requests.map(({ data }) => data)).toEqual(['[info] started', { load: 1 }])
    await cli.run('publish', '--text', 'amcp.domain.a')
    expect(cli.requests.slice(2)).toEqual(
      ['{"load":', '[info] started', '{"load":1}'].map((data) => ({ topic: 'amcp.domain.a', data })),
    )
    await cli.run('publish', '--text', 'amcp.domain.a', '1')
    expect(cli.requests.at(-1)).toMatchObject({ data: '1' })
    await expect(cli.run('publish', '--text')).rejects.toMatchObject({ details: { refused: 3 } })
    expect(cli.world.err).toContain('amcp publish --text TOPIC')
  })

  test('ends with its reason when the context stops, also while no line comes', async () => {
    await using world = new CliWorld()
    const begun = Promise.withResolvers<void>()
    const publish = () => {
      begun.resolve()
      return new Promise(() => {})
    }
    const server = await serveMethods(folderPaths(world.root).control, { publish })
    world.input = (async function* () {
      yield '1'
      await begun.promise
      await server[Symbol.asyncDispose]()
      await new Promise(() => {})
    })()
    await expect(world.run('publish', 'amcp.domain.a', '-f', world.root)).rejects.toMatchObject({
      code: 'ERR_CONTROL_UNAVAILABLE',
    })
    expect(world.err).toContain('line 1: the context stopped')
  })

  test('ends when the user stops while no line comes, and tells what was published', async () => {
    await using cli = await collecting()
    cli.world.input = (async function* () {
      yield '1'
      await new Promise(() => {})
    })()
    const running = cli.run('publish', 'amcp.domain.a', '--json')
    while (cli.requests.length === 0) await new Promise((resolve) => setImmediate(resolve))
    cli.world.stop.abort()
    expect((await running).json).toEqual([{ published: 1, refused: 0 }])
  })

  test('reads no faster than the context takes events', async () => {
    const release = Promise.withResolvers<void>()
    let [asked, read] = [0, 0]
    await using cli = await serving({
      publish: async () => {
        asked += 1
        await release.promise
      },
    })
    cli.world.input = (function* () {
      for (; read < 200; read += 1) yield '1'
    })()
    const running = cli.run('publish', 'amcp.domain.a', '--json')
    while (asked < 64) await new Promise((resolve) => setImmediate(resolve))
    expect(read).toBeLessThan(66)
    release.resolve()
    expect((await running).json).toEqual([{ published: 200, refused: 0 }])
  })

  test('fails with the fault of the input', async () => {
    await using cli = await collecting()
    cli.world.input = (async function* () {
      yield '1'
      throw new Error('the disk is gone')
    })()
    await expect(cli.run('publish', 'amcp.domain.a')).rejects.toThrow('the disk is gone')
  })

  test('stops reading when the user stops', async () => {
    await using cli = await collecting()
    cli.world.input = ['1', '2']
    cli.world.stop.abort()
    expect((await cli.run('publish', 'amcp.domain.a', '--json')).json).toEqual([{ published: 0, refused: 0 }])
  })
})

describe('tap', () => {
  const counting: ControlMethod = async function* ({ pattern }: { pattern: string }, signal) {
    yield { ready: true }
    for (let n = 0; !signal.aborted; n += 1) {
      yield { event: { pattern, n } }
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  test('prints so many events and ends', async () => {
    await using cli = await serving({ tap: counting })
    const { json, err } = await cli.run('tap', 'amcp.domain.a.>', '--count', '3')
    expect(json).toEqual([0, 1, 2].map((n) => ({ pattern: 'amcp.domain.a.>', n })))
    expect(err).toBe('Listening to amcp.domain.a.> …\n')
  })

  test('ends when the context ends the stream', async () => {
    await using cli = await serving({
      async *tap() {
        yield { event: { n: 1 } }
      },
    })
    expect((await cli.run('tap')).json).toEqual([{ n: 1 }])
  })

  test('ends when the user stops', async () => {
    await using cli = await serving({ tap: counting })
    const ended = cli.run('tap')
    await cli.world.until(() => cli.world.out !== '')
    cli.world.stop.abort()
    await ended
    expect((await cli.run('tap')).out).toBe('')
  })

  test('fails with the typed error of the stream', async () => {
    await using cli = await serving({
      // biome-ignore lint/correctness/useYield: it is to fail before its first item
      async *tap() {
        throw new AmcpError('ERR_TOPIC_INVALID', 'no pattern')
      },
    })
    await expect(cli.run('tap', 'a..b')).rejects.toMatchObject({ code: 'ERR_TOPIC_INVALID' })
  })

  test('names what cannot be read beside the output, counts it, and goes on', async () => {
    const error = { code: 'ERR_EVENT_INVALID', message: 'data is not JSON', details: { attribute: 'data' } }
    const unreadable = { id: 'id 1', source: 'amcp://a/b', subject: 'amcp.domain.a', error }
    await using cli = await serving({
      async *tap() {
        yield { unreadable }
        yield { event: { n: 1 } }
        yield { unreadable }
        yield { event: { n: 2 } }
      },
    })
    const people = await cli.run('tap', '-n', '2')
    expect(people.json).toEqual([{ n: 1 }, { n: 2 }])
    expect(people.err).toMatch(
      /^skipped an event .*\(1 so far\), to amcp\.domain\.a from amcp:\/\/a\/b: data is not JSON\n.*\(2 so far\)/,
    )
    const machines = await cli.run('tap', '-n', '2', '--json')
    expect(machines.json).toEqual([{ n: 1 }, { n: 2 }])
    const told = machines.err.trim().split('\n')
    expect(told.map((line) => JSON.parse(line) as unknown)).toEqual([
      { skipped: 1, ...unreadable },
      { skipped: 2, ...unreadable },
    ])
  })

  test('counts whole events', async () => {
    await using world = new CliWorld()
    for (const count of ['0', '2.5', 'some']) {
      await expect(world.run('tap', '-n', count)).rejects.toMatchObject({ code: 'commander.invalidArgument' })
    }
  })
})
