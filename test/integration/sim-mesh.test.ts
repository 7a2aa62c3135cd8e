import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'

const run = promisify(execFile)
const sim = async (...args: string[]): Promise<string[]> => {
  const { stdout } = await run(process.execPath, ['sim/main.ts', ...args], { maxBuffer: 2 ** 24 })
  return stdout.trimEnd().split('\n')
}

/** 20 of 200 agents as the claim has it with `npm run prove -- sim`; fewer, of two agents a context, where every minute counts. */
const runs = Number(process.env['SIM_RUNS'] ?? 4)
const agents = process.env['SIM_AGENTS'] ?? '40'

describe('npm run sim', () => {
  test('mesh: all runs under load give one SHA-256, and every row of the table holds', {
    timeout: 900_000,
  }, async () => {
    const digests = new Set<string>()
    // Several at a time, more than there are cores: each is the others' load.
    const worker = async (share: number): Promise<void> => {
      for (let at = 0; at < share; at += 1) {
        const lines = await sim('mesh', '--agents', agents, '--seed', '7', '--json')
        digests.add(lines.at(-1)!)
        for (const line of lines.slice(0, -1)) expect(JSON.parse(line).holds ?? true, line).toBe(true)
      }
    }
    await Promise.all(Array.from({ length: 4 }, () => worker(Math.ceil(runs / 4))))
    expect([...digests]).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)])
  })

  test('mesh: another seed gives another trace; the report has the trace whose digest is printed, and a chart', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sim-'))
    try {
      const lines = await sim('mesh', '--agents', '20', '--seed', '8', '--report', folder)
      expect(lines[0]).toContain('20 agents, seed 8')
      expect(lines.join('\n')).not.toContain('FAILED')
      const trace = await readFile(join(folder, 'trace.txt'))
      expect(createHash('sha256').update(trace).digest('hex')).toBe(lines.at(-1))
      const report = await readFile(join(folder, 'report.html'), 'utf8')
      expect(report).toContain('<svg')
      expect(report).toContain('crash of c3')
      expect(report).toContain(lines.at(-1))
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('--help lists the scenarios, and a wrong option is a usage error', async () => {
    expect((await sim('--help')).join('\n')).toContain('mesh')
    await expect(sim('mesh', '--agents', 'many')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('a whole number above 0'),
    })
    await expect(sim('nothing')).rejects.toMatchObject({ code: 1 })
  })
})
