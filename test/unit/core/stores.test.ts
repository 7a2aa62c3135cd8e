import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { storeErrorOf } from '../../../src/core/abstract-level-store.ts'
import { AmcpError } from '../../../src/core/errors.ts'
import { levelStore } from '../../../src/core/level-store.ts'
import { memoryStore } from '../../../src/core/memory-store.ts'

const key = Uint8Array.of(1)
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'amcp-store-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function fill(path: string): Promise<void> {
  await using store = await levelStore(path)
  await store.batch([{ type: 'put', space: 'a', key, value: key }], { sync: true })
}

/** Holds the store in another process, which is killed like a crash. */
async function holdElsewhere(path: string): Promise<{ kill(): Promise<void> }> {
  const module = new URL('../../../src/core/level-store.ts', import.meta.url).href
  const script = `const { levelStore } = await import(${JSON.stringify(module)})
    const store = await levelStore(${JSON.stringify(path)})
    await store.batch([{ type: 'put', space: 'a', key: Uint8Array.of(2), value: Uint8Array.of(2) }])
    console.log('open'); process.stdin.resume()`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return {
    kill: async () => {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}

describe('the store on disk', () => {
  test('keeps what was written when it is opened again', async () => {
    await fill(folder)
    await using store = await levelStore(folder)
    expect(await store.get('a', key)).toEqual(key)
  })

  test('is open once in a process: ERR_FOLDER_IN_USE', async () => {
    await using _ = await levelStore(folder)
    await expect(levelStore(folder)).rejects.toMatchObject({ code: 'ERR_FOLDER_IN_USE', retryable: true })
  })

  test('is open in one process at a time, and free with all that was written when that is killed', async () => {
    const other = await holdElsewhere(folder)
    await expect(levelStore(folder)).rejects.toMatchObject({ code: 'ERR_FOLDER_IN_USE' })
    await other.kill()
    await using store = await levelStore(folder)
    expect(await store.get('a', Uint8Array.of(2))).toEqual(Uint8Array.of(2))
  })

  test('opens as a copy beside the original: telling the two apart is for hello', async () => {
    await fill(join(folder, 'one'))
    await using one = await levelStore(join(folder, 'one'))
    await cp(join(folder, 'one'), join(folder, 'two'), { recursive: true, filter: (path) => !path.endsWith('LOCK') })
    await using two = await levelStore(join(folder, 'two'))
    expect(await two.get('a', key)).toEqual(await one.get('a', key))
  })

  test('says ERR_STORE_UNREADABLE of a folder whose manifest is damaged', async () => {
    await fill(folder)
    const manifest = (await readdir(folder)).find((name) => name.startsWith('MANIFEST'))
    await writeFile(join(folder, manifest ?? ''), 'not a manifest at all, but long enough to be one')
    await expect(levelStore(folder)).rejects.toMatchObject({ code: 'ERR_STORE_UNREADABLE' })
  })

  test('says ERR_STORE_UNREADABLE of a folder whose files are gone but for the pointer to them', async () => {
    await fill(folder)
    for (const name of await readdir(folder)) if (name.startsWith('MANIFEST')) await rm(join(folder, name))
    await expect(levelStore(folder)).rejects.toMatchObject({ code: 'ERR_STORE_UNREADABLE' })
  })

  test('says ERR_STORE_UNREADABLE of a file where the folder should be', async () => {
    const path = join(folder, 'file')
    await writeFile(path, '')
    await expect(levelStore(path)).rejects.toMatchObject({ code: 'ERR_STORE_UNREADABLE' })
  })
})

describe('the store in memory', () => {
  test('is a new one each time', async () => {
    await using one = await memoryStore()
    await one.batch([{ type: 'put', space: 'a', key, value: key }])
    await using two = await memoryStore()
    expect(await two.get('a', key)).toBeUndefined()
  })

  test('gives out copies that their receiver may change', async () => {
    await using store = await memoryStore()
    await store.batch([{ type: 'put', space: 'a', key, value: key }])
    ;(await store.get('a', key))?.fill(9)
    for await (const [, value] of store.scan('a')) value.fill(9)
    expect(await store.get('a', key)).toEqual(key)
  })
})

describe('faults of a database', () => {
  const fault = (code: string, cause?: Error): Error => Object.assign(new Error(code, { cause }), { code })

  test.each([
    ['ERR_FOLDER_IN_USE', fault('LEVEL_LOCKED')],
    ['ERR_FOLDER_IN_USE', fault('LEVEL_DATABASE_NOT_OPEN', fault('LEVEL_LOCKED'))],
    ['ERR_STORE_CLOSED', fault('LEVEL_DATABASE_NOT_OPEN')],
    ['ERR_STORE_CLOSED', fault('LEVEL_ITERATOR_NOT_OPEN')],
    ['ERR_STORE_UNREADABLE', fault('LEVEL_CORRUPTION')],
    ['ERR_STORE_UNREADABLE', fault('LEVEL_IO_ERROR')],
    ['ERR_STORE_UNREADABLE', fault('LEVEL_DATABASE_NOT_OPEN', fault('LEVEL_CORRUPTION'))],
  ])('become %s', (code, thrown) => {
    const error = storeErrorOf(thrown)
    expect(error).toBeInstanceOf(AmcpError)
    expect(error).toMatchObject({ code, cause: thrown })
  })

  test('are told from faults of somebody else, which stay what they are', () => {
    for (const thrown of [new Error('plain'), 'text', Object.assign(new Error('odd'), { code: 7 })])
      expect(storeErrorOf(thrown)).toBe(thrown)
  })
})
