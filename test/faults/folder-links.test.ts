import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { serveMethods } from '../../src/cli/control-server.ts'
import { systemPorts } from '../../src/core/default-ports.ts'
import {
  acceptMembership,
  folderPaths,
  foundMesh,
  inviteContext,
  prepareContext,
  readIdentity,
} from '../../src/identity/context-folder.ts'

const ports = systemPorts()
const usage = expect.objectContaining({ code: 'ERR_USAGE' })
let root: string
let folder: string
let treasure: string

/** A folder in which somebody was before, who has put links there to a file that is not his. */
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'amcp-links-'))
  folder = join(root, 'context')
  treasure = join(root, 'treasure')
  mkdirSync(folder, { mode: 0o700 })
  writeFileSync(treasure, 'mine')
})
afterEach(() => rmSync(root, { recursive: true }))

describe('links in a folder that is to be a context’s', () => {
  test.each(['mesh', 'key', 'membership', 'rootKey'] as const)('nothing is written through a link: %s', (name) => {
    symlinkSync(treasure, folderPaths(folder)[name])
    expect(() => foundMesh(ports, folder, 'plant')).toThrow()
    expect(readFileSync(treasure, 'utf8')).toBe('mine')
  })

  test('a membership that is accepted takes the place of a link', () => {
    const founder = join(root, 'founder')
    const mesh = foundMesh(ports, founder, 'plant')
    const did = prepareContext(ports, folder, mesh)
    const { membership } = folderPaths(folder)
    symlinkSync(treasure, membership)
    symlinkSync(treasure, `${membership}.new`)
    acceptMembership(ports, folder, inviteContext(ports, founder, did))
    expect(readFileSync(treasure, 'utf8')).toBe('mine')
    expect(readIdentity(ports, folder).mesh).toEqual(mesh)
  })

  test('the control socket takes the place of a link, and is its user’s alone', async () => {
    const { control } = folderPaths(folder)
    symlinkSync(treasure, control)
    await using _server = await serveMethods(control, {})
    expect(statSync(control).mode & 0o777).toBe(0o600)
    expect(readFileSync(treasure, 'utf8')).toBe('mine')
  })

  test('a folder that any user may write into is none, neither for a new context nor for one that is there', () => {
    chmodSync(folder, 0o777)
    expect(() => foundMesh(ports, folder, 'plant')).toThrow(usage)
    chmodSync(folder, 0o700)
    foundMesh(ports, folder, 'plant')
    chmodSync(folder, 0o702)
    expect(() => readIdentity(ports, folder)).toThrow(usage)
    chmodSync(folder, 0o750)
    readIdentity(ports, folder)
  })
})
