import { createServer } from 'node:net'

/** A port of 127.0.0.1 that nobody listens on now, for rivals that want to be told theirs. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
