import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemPorts } from '../../../src/core/default-ports.ts'
import {
  acceptMembership,
  didOfFolder,
  folderPaths,
  foundMesh,
  inviteContext,
  prepareContext,
  readIdentity,
  readMeshFile,
} from '../../../src/identity/context-folder.ts'
import { foundMemoryMesh, membershipJudge } from '../../../src/identity/context-identity.ts'
import { describeMesh, readMeshDescription } from '../../../src/identity/mesh-description.ts'

const ports = systemPorts()
let root: string
const at = (name: string): string => join(root, name)
const code = (name: string) => expect.objectContaining({ code: name })

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'amcp-folder-'))
})
afterEach(() => rmSync(root, { recursive: true }))

describe('a context folder', () => {
  test('of a founder holds a member of a mesh of its own', () => {
    const mesh = foundMesh(ports, at('a'), 'plant', ['/ip4/127.0.0.1/tcp/4001'])
    const identity = readIdentity(ports, at('a'))
    expect(identity.mesh).toEqual(mesh)
    expect(mesh).toMatchObject({ name: 'plant', addresses: ['/ip4/127.0.0.1/tcp/4001'], shards: 64 })
    expect(membershipJudge(ports.crypto, mesh)(identity.id, identity.membership, ports.clock.now()).context).toBe(
      identity.id,
    )
  })

  test('never loses a root key: founding again in a folder that has one, and nothing else, fails', () => {
    foundMesh(ports, at('a'), 'plant')
    const { key, rootKey } = folderPaths(at('a'))
    const root = readFileSync(rootKey, 'utf8')
    rmSync(key)
    expect(() => foundMesh(ports, at('a'), 'plant')).toThrow(
      expect.objectContaining({
        code: 'ERR_USAGE',
        message: expect.stringContaining('choose another folder, or move the file away'),
        details: { path: rootKey },
      }),
    )
    expect(readFileSync(rootKey, 'utf8')).toBe(root)
  })

  test('that went away while it was made is told apart from one that holds something', () => {
    const mesh = foundMesh(ports, at('a'), 'plant')
    const random = {
      ...ports.random,
      bytes: (length: number) => {
        rmSync(at('b'), { recursive: true })
        return new Uint8Array(length)
      },
    }
    expect(() => prepareContext({ ...ports, random }, at('b'), mesh)).toThrow(
      expect.objectContaining({ code: 'ERR_USAGE', message: expect.stringContaining('cannot be written') }),
    )
  })

  test('keeps its keys from others', () => {
    foundMesh(ports, at('a'), 'plant')
    const { key, rootKey } = folderPaths(at('a'))
    for (const path of [key, rootKey]) expect(statSync(path).mode & 0o077).toBe(0)
  })

  test('of a newcomer becomes a member by an invitation to its did:key', () => {
    foundMesh(ports, at('a'), 'plant')
    const did = prepareContext(ports, at('b'), readMeshFile(ports, folderPaths(at('a')).mesh))
    expect(didOfFolder(ports, at('b'))).toBe(did)
    expect(() => readIdentity(ports, at('b'))).toThrow(`amcp invite ${did}`)
    const accepted = acceptMembership(ports, at('b'), inviteContext(ports, at('a'), did))
    expect(readIdentity(ports, at('b')).id).toBe(accepted.id)
  })

  test('takes no membership of somebody else', () => {
    foundMesh(ports, at('a'), 'plant')
    const mesh = readMeshFile(ports, folderPaths(at('a')).mesh)
    prepareContext(ports, at('b'), mesh)
    const other = inviteContext(ports, at('a'), prepareContext(ports, at('c'), mesh))
    expect(() => acceptMembership(ports, at('b'), other)).toThrow(code('ERR_NOT_A_MEMBER'))
  })

  test('is not used twice', () => {
    foundMesh(ports, at('a'), 'plant')
    expect(() => foundMesh(ports, at('a'), 'plant')).toThrow('already holds a context')
    expect(() => prepareContext(ports, at('a'), readMeshFile(ports, folderPaths(at('a')).mesh))).toThrow(
      code('ERR_USAGE'),
    )
  })

  test('that is not there says how to make one', () => {
    expect(() => readIdentity(ports, at('none'))).toThrow('amcp init')
  })

  test('with a damaged key says so', () => {
    foundMesh(ports, at('a'), 'plant')
    writeFileSync(folderPaths(at('a')).key, 'nonsense')
    expect(() => readIdentity(ports, at('a'))).toThrow(code('ERR_CREDENTIAL_INVALID'))
  })
})

describe('a mesh file', () => {
  const good = () => JSON.parse(readFileSync(folderPaths(at('a')).mesh, 'utf8'))

  test.each([
    ['version', 2],
    ['mesh', 'abc'],
    ['mesh', '0'.repeat(32)],
    ['name', ''],
    ['name', 'another'],
    ['root', 'did:web:x'],
    ['root', 'did:key:z123'],
    ['addresses', 'x'],
    ['shards', 63],
    ['surprise', 1],
  ])('with a wrong %s (%j) is refused by name', (field, value) => {
    foundMesh(ports, at('a'), 'plant')
    expect(() => readMeshDescription(ports.crypto, { ...good(), [field]: value })).toThrow(
      code('ERR_MESH_FILE_INVALID'),
    )
  })

  test('that is no JSON or no object is refused', () => {
    writeFileSync(at('mesh.json'), '{')
    expect(() => readMeshFile(ports, at('mesh.json'))).toThrow(code('ERR_MESH_FILE_INVALID'))
    expect(() => readMeshDescription(ports.crypto, 7)).toThrow('at its root')
  })

  test('of the same root and another name is another mesh', () => {
    const key = new Uint8Array(32).fill(1)
    expect(describeMesh(ports.crypto, key, 'a').mesh).not.toBe(describeMesh(ports.crypto, key, 'b').mesh)
  })
})

describe('a mesh in memory', () => {
  test('has members that know each other', () => {
    const mesh = foundMemoryMesh(ports)
    const judge = membershipJudge(ports.crypto, mesh.description)
    const one = mesh.member()
    const two = mesh.member(new Uint8Array(32).fill(7), { seconds: 1 })
    expect(judge(one.id, one.membership, ports.clock.now()).roles).toEqual(['agent'])
    expect(() => judge(two.id, two.membership, ports.clock.now() + 2_000)).toThrow(code('ERR_MEMBERSHIP_EXPIRED'))
    expect(() => judge(one.id, two.membership, ports.clock.now())).toThrow(code('ERR_NOT_A_MEMBER'))
  })
})
