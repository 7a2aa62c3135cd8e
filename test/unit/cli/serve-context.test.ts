import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { connectControl } from '../../../src/cli/control-client.ts'
import { serveControl } from '../../../src/cli/serve-context.ts'
import { folderPaths } from '../../../src/identity/context-folder.ts'
import { lonely } from '../context-world.ts'

test('a context within a program answers the command by the socket of its folder, until it does not want to any more', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'amcp-embedded-'))
  try {
    const { context } = lonely()
    await context.start()
    const { control } = folderPaths(folder)
    {
      await using _serving = await serveControl(folder, context)
      using client = await connectControl(control)
      expect(await client.request('status')).toMatchObject({ context: context.id, members: [] })
      const published = context.subscribe('amcp.domain.>')[Symbol.asyncIterator]().next()
      await client.request('publish', { topic: 'amcp.domain.a', data: 1, options: {} })
      expect((await published).value).toMatchObject({ subject: 'amcp.domain.a', data: 1 })
    }
    await expect(connectControl(control)).rejects.toMatchObject({ code: 'ERR_CONTROL_UNAVAILABLE' })
  } finally {
    rmSync(folder, { recursive: true })
  }
})
