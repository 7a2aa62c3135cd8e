import { readFileSync } from 'node:fs'
import { cpus, freemem, platform, totalmem } from 'node:os'
import { z } from 'zod'
import { now } from './clock.ts'

/** What one edge measures of its machine and of itself; shares are 0…1, rates are bytes a second since the last reading. */
export const Reading = z.object({
  host: z.string(),
  number: z.number().int().positive(),
  /** True while the process is still warming up, so that its own start is not taken for an anomaly. */
  warming: z.boolean(),
  cores: z.array(z.number()),
  memory: z.number(),
  diskWritten: z.number().nullable(),
  networkReceived: z.number().nullable(),
  /** Processor seconds a second that this edge's own process used: the place a load can be told by. */
  processCpu: z.number(),
})
export type Reading = z.infer<typeof Reading>

const sectorBytes = 512

/** Sums a column of a /proc table, or null where there is no /proc: that metric is then published as unknown. */
function procColumn(file: string, column: number, accept: (fields: string[]) => boolean): number | null {
  if (platform() !== 'linux') return null
  const rows = readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/[\s:]+/))
  return rows.filter(accept).reduce((sum, fields) => sum + Number(fields[column]), 0)
}

/** What has added up since the machine, and the process, began. */
function totals() {
  const { user, system } = process.cpuUsage()
  const sectors = procColumn('/proc/diskstats', 9, ([, , name]) => /^(sd[a-z]+|vd[a-z]+|nvme\d+n\d+)$/.test(name ?? ''))
  return {
    at: now(),
    cores: cpus().map(({ times }) => {
      const busy = times.user + times.nice + times.sys + times.irq
      return { busy, all: busy + times.idle }
    }),
    disk: sectors === null ? null : sectors * sectorBytes,
    network: procColumn('/proc/net/dev', 1, (fields) => fields.length > 16),
    process: (user + system) / 1e6,
  }
}

/** Reads this machine; each reading says what happened since the one before. */
export function createTelemetry(host: string, warmUpMilliseconds: number): () => Reading {
  const started = now()
  let last = totals()
  let number = 0
  return () => {
    const current = totals()
    const seconds = (current.at - last.at) / 1_000
    const rate = (latest: number | null, before: number | null): number | null =>
      latest === null || before === null ? null : (latest - before) / seconds
    const reading: Reading = {
      host,
      number: ++number,
      warming: current.at - started < warmUpMilliseconds,
      cores: current.cores.map(({ busy, all }, index) => {
        const previous = last.cores[index]
        return previous === undefined || all === previous.all ? 0 : (busy - previous.busy) / (all - previous.all)
      }),
      memory: 1 - freemem() / totalmem(),
      diskWritten: rate(current.disk, last.disk),
      networkReceived: rate(current.network, last.network),
      processCpu: (current.process - last.process) / seconds,
    }
    last = current
    return reading
  }
}
