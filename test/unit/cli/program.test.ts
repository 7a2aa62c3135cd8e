import { describe, expect, test } from 'vitest'
import { createOutput, describeFault } from '../../../src/cli/output.ts'
import { AmcpError } from '../../../src/core/errors.ts'
import { CliWorld } from './cli-world.ts'

const commands = ['init', 'invite', 'join', 'up', 'agents', 'call', 'publish', 'tap']

describe('the amcp command', () => {
  test('its help lists every command', async () => {
    await using world = new CliWorld()
    await expect(world.run('--help')).rejects.toMatchObject({ exitCode: 0 })
    for (const command of commands) expect(world.out).toMatch(new RegExp(`^  ${command} `, 'm'))
  })

  test.each(commands)('%s --help names its folder and that machines may read it', async (command) => {
    await using world = new CliWorld()
    await expect(world.run(command, '--help')).rejects.toMatchObject({ exitCode: 0 })
    expect(world.out).toContain(`Usage: amcp ${command}`)
    expect(world.out).toContain('--folder')
    expect(world.out).toContain('--json')
    expect(world.out).toMatch(new RegExp(`(Example|Examples|Steps):\\s+(.*\\| )?amcp ${command}`))
    expect(world.err).toBe('')
  })

  test('an unknown command is a fault that points to the help', async () => {
    await using world = new CliWorld()
    await expect(world.run('fly')).rejects.toMatchObject({ code: 'commander.unknownCommand', exitCode: 1 })
    expect(world.err).toContain('amcp --help')
  })

  test('an unknown option is a fault that points to the help of its command', async () => {
    await using world = new CliWorld()
    await expect(world.run('agents', '--loud')).rejects.toMatchObject({ code: 'commander.unknownOption' })
    expect(world.err).toContain('--loud')
    expect(world.err).toContain('amcp agents --help')
  })

  test('wrong usage is one JSON line for machines', async () => {
    await using world = new CliWorld()
    for (const argv of [
      ['agents', '--loud', '--json'],
      ['call', '--json'],
      ['fly', '--json'],
    ]) {
      await expect(world.run(...argv)).rejects.toMatchObject({ exitCode: 1 })
      expect(JSON.parse(world.err)).toEqual({
        error: { code: 'ERR_USAGE', message: expect.stringMatching(/^(unknown|missing)/), details: {} },
      })
    }
  })

  test('tells its version, how to begin and what its exit codes mean', async () => {
    await using world = new CliWorld()
    await expect(world.run('--version')).rejects.toMatchObject({ exitCode: 0 })
    expect(world.out).toBe('1.2.3\n')
    await expect(world.run('--help')).rejects.toMatchObject({ exitCode: 0 })
    expect(world.out).toContain('amcp init && amcp up')
    expect(world.out).toMatch(/Exit codes: 0 done, 1 refused/)
  })
})

describe('the output', () => {
  const printed = (json: boolean) => {
    const texts = { out: '', err: '' }
    const output = createOutput({
      json,
      write: (text) => {
        texts.out += text
      },
      writeError: (text) => {
        texts.err += text
      },
    })
    return { output, texts }
  }

  test('a fact is a sentence for people and a JSON line for machines', () => {
    const [people, machines] = [printed(false), printed(true)]
    for (const { output } of [people, machines]) output.fact('Done.', { done: true })
    expect([people.texts.out, machines.texts.out]).toEqual(['Done.\n', '{"done":true}\n'])
  })

  test('rows are a table for people and JSON lines for machines', () => {
    const rows = [
      { name: 'a', tags: ['x'], none: undefined },
      { name: 'b', tags: [], none: undefined },
    ]
    const [people, machines] = [printed(false), printed(true)]
    for (const { output } of [people, machines]) output.rows(rows, 'nothing')
    expect(people.texts.out).toMatch(/name[\s\S]*a[\s\S]*\["x"\][\s\S]*b/)
    expect(machines.texts.out).toBe('{"name":"a","tags":["x"]}\n{"name":"b","tags":[]}\n')
  })

  test('no rows are said to people, and are no line for machines', () => {
    const [people, machines] = [printed(false), printed(true)]
    for (const { output } of [people, machines]) output.rows([], 'nothing')
    expect([people.texts.out, machines.texts.out]).toEqual(['nothing\n', ''])
  })

  test('notes go beside the output', () => {
    const { output, texts } = printed(true)
    output.note('going on', { going: 'on' })
    output.line('as it is')
    expect(texts).toEqual({ out: 'as it is\n', err: '{"going":"on"}\n' })
    const people = printed(false)
    people.output.note('going on', { going: 'on' })
    expect(people.texts.err).toBe('going on\n')
  })

  test('a fault is told with its code', () => {
    const fault = new AmcpError('ERR_TOPIC_INVALID', 'no topic', { details: { topic: '' } })
    expect(describeFault(fault, false)).toBe('amcp: no topic (ERR_TOPIC_INVALID)')
    expect(JSON.parse(describeFault(fault, true))).toEqual({
      error: { code: 'ERR_TOPIC_INVALID', message: 'no topic', details: { topic: '' } },
    })
    expect(describeFault(new TypeError('no number'), false)).toBe('amcp: no number (ERR_USAGE)')
    expect(describeFault('plain', false)).toBe('amcp: plain (ERR_USAGE)')
  })
})
