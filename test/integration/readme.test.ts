import { readdirSync, readFileSync } from 'node:fs'
import { afterEach, expect, test, vi } from 'vitest'

const readme = readFileSync('README.md', 'utf8')
const folder = 'examples/first-mesh'

afterEach(() => void vi.restoreAllMocks())

test('the code in the README is the example, word for word', () => {
  for (const file of readdirSync(folder)) {
    expect(readme).toContain(`\`\`\`ts\n// ${folder}/${file}\n${readFileSync(`${folder}/${file}`, 'utf8')}\`\`\``)
  }
})

test('the example says what it is shown to say', async () => {
  const said: unknown[][] = []
  vi.spyOn(console, 'log').mockImplementation((...words) => void said.push(words))
  await import('../../examples/first-mesh/main.ts')
  expect(said).toEqual([['amcp.domain.alert.load', { host: 'edge-1' }], [{ anomalous: true }]])
})

test('every file that the README names is there', () => {
  const named = [...readme.matchAll(/\]\((docs\/[^)#]+)\)|`(test\/[^`*]+)`/g)].map((found) => found[1] ?? found[2]!)
  expect(named.length).toBeGreaterThan(5)
  for (const path of named) expect(() => readdirOrRead(path), path).not.toThrow()
})

function readdirOrRead(path: string): unknown {
  return path.endsWith('.ts') || path.endsWith('.md') ? readFileSync(path) : readdirSync(path)
}
