import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))

const sources = filesBelow('src').map((path) => ({ path, text: readFileSync(path, 'utf8') }))
const lines = (text: string): number => text.split('\n').length - 1
const code = (text: string): string => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '')

/** Files that implement a port or talk to a person at a terminal, and so may touch what the port hides. */
const portFiles = /^src\/(core\/(system|node)-[a-z0-9-]+\.ts|core\/level-store\.ts|cli\/)/

/** As docs/ARCHITECTURE.md has them; `context` is what lies in src/ itself. */
const layers: Readonly<Record<string, number>> = {
  core: 0,
  events: 1,
  network: 2,
  identity: 2,
  membership: 3,
  broker: 5,
  calls: 7,
  agent: 8,
  context: 10,
  cli: 11,
  testing: 11,
  sim: 11,
}
const roomOf = (path: string): string => (path.split('/').length > 2 ? path.split('/')[1]! : 'context')
const layerOf = (path: string): number => layers[roomOf(path)] ?? -1

describe('the house', () => {
  test('time, randomness and cryptography come only through the ports', () => {
    const forbidden =
      /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bperformance\.now\(|\bsetTimeout\(|\bsetInterval\(|\bsetImmediate\(|\bqueueMicrotask\(|\bprocess\.nextTick\(|\brandomUUID\(|\bAbortSignal\.timeout\(|timers\/promises|from 'node:crypto'/
    const offenders = sources
      .filter(({ path }) => !portFiles.test(path))
      .filter(({ text }) => forbidden.test(code(text)))
      .map(({ path }) => path)
    expect(offenders).toEqual([])
  })

  test('imports go down only, and folders of one layer do not import each other', () => {
    const offenders = sources.flatMap(({ path, text }) =>
      [...text.matchAll(/from '(\.[^']+)'/g)]
        .map((found) => join(dirname(path), found[1]!))
        .filter((imported) => roomOf(imported) !== roomOf(path) && layerOf(imported) >= layerOf(path))
        .map((imported) => `${path} imports ${imported}`),
    )
    expect(offenders).toEqual([])
  })

  test('every folder of src is a room of the table in docs/ARCHITECTURE.md, at its layer', () => {
    const table = readFileSync('docs/ARCHITECTURE.md', 'utf8')
    for (const { path } of sources) expect(layerOf(path), path).toBeGreaterThanOrEqual(0)
    for (const [room, layer] of Object.entries(layers))
      expect(table, room).toMatch(new RegExp(`^\\| ${layer} \\|[^|]*\`${room}`, 'm'))
  })

  test('only network/libp2p imports libp2p', () => {
    const offenders = sources
      .filter(({ path }) => !path.startsWith('src/network/libp2p/'))
      .filter(({ text }) => /from '(@libp2p|@chainsafe|@multiformats|libp2p)/.test(text))
      .map(({ path }) => path)
    expect(offenders).toEqual([])
  })

  test('files are short: none above 400 lines, the median under 150', () => {
    const sizes = sources.map(({ path, text }) => ({ path, size: lines(text) })).sort((a, b) => a.size - b.size)
    expect(sizes.filter(({ size }) => size > 400)).toEqual([])
    expect(sizes[Math.floor(sizes.length / 2)]!.size).toBeLessThan(150)
  })

  test('there is at least 1.2 times as much test code as source', () => {
    const total = (texts: string[]): number => texts.reduce((sum, text) => sum + lines(text), 0)
    const source = total(sources.filter(({ path }) => !path.startsWith('src/testing/')).map(({ text }) => text))
    const suites = total(sources.filter(({ path }) => path.startsWith('src/testing/')).map(({ text }) => text))
    const tests = total(filesBelow('test').map((path) => readFileSync(path, 'utf8'))) + suites
    expect(tests / source).toBeGreaterThanOrEqual(1.2)
  })
})
