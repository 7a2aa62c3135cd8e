import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Outcome } from './scenario.ts'

const WIDTH = 1_000
const LANE = 90
const LEFT = 90
const BUCKETS = 200
const COLOURS = { gossip: '#2a78d6', stream: '#1a9850', 'link-up': '#7b3294', 'link-down': '#d6604d', lost: '#b2182b' }

/** Writes `trace.txt`, whose SHA-256 is the one printed, and `report.html`, a chart of events over virtual time. */
export function writeReport(folder: string, title: string, outcome: Outcome): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'trace.txt'), Buffer.concat(outcome.trace))
  writeFileSync(join(folder, 'report.html'), htmlOf(title, outcome))
}

function htmlOf(title: string, outcome: Outcome): string {
  const rows = outcome.rows.map(
    ({ what, value, holds }) =>
      `<tr><td>${escaped(what)}</td><td>${escaped(value)}</td><td>${holds === undefined ? '' : holds ? 'ok' : 'FAILED'}</td></tr>`,
  )
  return `<!doctype html><meta charset="utf-8"><title>${escaped(title)}</title>
<style>body{font:14px system-ui;margin:2rem;max-width:1120px}td{padding:.1rem 1rem .1rem 0}code{font-size:12px}</style>
<h1>${escaped(title)}</h1>
<table>${rows.join('\n')}</table>
<h2>Messages over virtual time</h2>
${chartOf(outcome)}
<p><code>trace.txt: ${outcome.lines} lines, SHA-256 ${outcome.sha256}</code></p>
`
}

/** One lane of bars a kind of event, each scaled to its own highest bar, and a line for each mark. */
function chartOf({ events, elapsed, marks }: Outcome): string {
  const parts: string[] = []
  const xOf = (at: number): number => LEFT + (at / Math.max(elapsed, 1)) * WIDTH
  const kinds = Object.entries(COLOURS)
  for (const [lane, [kind, colour]] of kinds.entries()) {
    const counts = new Array<number>(BUCKETS).fill(0)
    for (const event of events)
      if (event.kind === kind)
        counts[Math.min(BUCKETS - 1, Math.floor((event.at / Math.max(elapsed, 1)) * BUCKETS))]! += 1
    const most = Math.max(...counts)
    const base = (lane + 1) * LANE
    parts.push(`<text x="0" y="${base - 8}" fill="${colour}">${kind}</text>`)
    parts.push(`<text x="0" y="${base - LANE + 30}" fill="#777" font-size="11">max ${most}</text>`)
    parts.push(`<line x1="${LEFT}" x2="${LEFT + WIDTH}" y1="${base}" y2="${base}" stroke="#ccc"/>`)
    for (const [at, count] of counts.entries()) {
      if (count === 0) continue
      const height = (count / most) * (LANE - 20)
      const x = LEFT + (at / BUCKETS) * WIDTH
      parts.push(
        `<rect x="${x.toFixed(1)}" y="${(base - height).toFixed(1)}" width="${(WIDTH / BUCKETS - 1).toFixed(1)}" height="${height.toFixed(1)}" fill="${colour}"><title>${count}</title></rect>`,
      )
    }
  }
  const bottom = kinds.length * LANE
  for (const [lane, [at, label]] of marks.entries()) {
    const x = xOf(at).toFixed(1)
    parts.push(`<line x1="${x}" x2="${x}" y1="10" y2="${bottom}" stroke="#000" stroke-dasharray="4 3"/>`)
    parts.push(`<text x="${x}" y="${24 + (lane % 2) * 16}" dx="4" font-size="12">${escaped(label)}</text>`)
  }
  for (let at = 0; at <= elapsed; at += tick(elapsed))
    parts.push(`<text x="${xOf(at).toFixed(1)}" y="${bottom + 18}" font-size="11" fill="#555">${at / 1_000} s</text>`)
  const height = bottom + 30
  const width = LEFT + WIDTH + 30
  return `<svg viewBox="0 0 ${width} ${height}" width="100%" xmlns="http://www.w3.org/2000/svg" font-family="system-ui">${parts.join('\n')}</svg>`
}

function tick(elapsed: number): number {
  return [1_000, 2_000, 5_000, 10_000, 30_000, 60_000].find((step) => elapsed / step <= 12) ?? 300_000
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
