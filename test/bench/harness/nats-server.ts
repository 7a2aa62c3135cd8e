import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { connect } from '@nats-io/transport-node'
import { freePort } from './free-port.ts'

export interface NatsServer extends AsyncDisposable {
  readonly url: string
  readonly version: string
}

const candidates = [
  new URL('../../../.cache/bin/nats-server', import.meta.url).pathname,
  'nats-server',
  '/usr/sbin/nats-server',
]

/** The first of those installed, with the version that it says of itself. */
function findNatsServer(): { path: string; version: string } | undefined {
  for (const path of candidates) {
    if (path.includes('/') && !existsSync(path)) continue
    try {
      return { path, version: execFileSync(path, ['--version'], { encoding: 'utf8' }).trim().replace(/^.*v/, '') }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  return undefined
}

/** Starts a core NATS server on 127.0.0.1 with room for a burst. */
export async function startNatsServer(): Promise<NatsServer> {
  const found = findNatsServer()
  if (found === undefined) {
    throw new Error(
      'nats-server is not installed: go install github.com/nats-io/nats-server/v2@latest, or apt-get install nats-server',
    )
  }
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'amcp-nats-'))
  const config = join(folder, 'nats.conf')
  writeFileSync(config, `host: 127.0.0.1\nport: ${port}\nmax_payload: 4MB\nmax_pending: 256MB\n`)
  const server = spawn(found.path, ['-c', config], { stdio: 'ignore' })
  const url = `nats://127.0.0.1:${port}`
  for (let attempt = 0; ; attempt += 1) {
    try {
      await (await connect({ servers: url, reconnect: false })).close()
      break
    } catch (error) {
      if (attempt === 100) throw error
      await wait(50)
    }
  }
  return {
    url,
    version: found.version,
    async [Symbol.asyncDispose]() {
      const ended = new Promise((resolve) => server.once('exit', resolve))
      server.kill('SIGKILL')
      await ended
      rmSync(folder, { recursive: true })
    },
  }
}
