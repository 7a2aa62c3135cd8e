import Table from 'cli-table3'
import { AmcpError } from '../core/errors.ts'

/** Where a command prints; injected, so that commands can be tested without a terminal. */
export interface Output {
  /** Prints a fact for people, and the same as one JSON line for machines. */
  fact(text: string, json: Readonly<Record<string, unknown>>): void
  /** Rows as a table for people, or one JSON line each. */
  rows(rows: readonly Readonly<Record<string, unknown>>[], whenEmpty: string): void
  /** One line as it is. */
  line(text: string): void
  /** What goes wrong or goes on, beside the output. */
  note(text: string, json: Readonly<Record<string, unknown>>): void
}

export interface OutputOptions {
  readonly json: boolean
  readonly write: (text: string) => void
  readonly writeError: (text: string) => void
}

const cell = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))

export function createOutput({ json, write, writeError }: OutputOptions): Output {
  return {
    fact: (text, fields) => write(`${json ? JSON.stringify(fields) : text}\n`),
    rows(rows, whenEmpty) {
      const [first] = rows
      if (json) {
        for (const row of rows) write(`${JSON.stringify(row)}\n`)
        return
      }
      if (first === undefined) {
        write(`${whenEmpty}\n`)
        return
      }
      const names = Object.keys(first)
      const table = new Table({ head: names, style: { head: [], border: [] } })
      for (const row of rows) table.push(names.map((name) => cell(row[name])))
      write(`${table.toString()}\n`)
    },
    line: (text) => write(`${text}\n`),
    note: (text, fields) => writeError(`${json ? JSON.stringify(fields) : text}\n`),
  }
}

/** `1 agent`, `2 agents`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

/** A fault as people read it, or as one JSON line with its code. */
export function describeFault(error: unknown, json: boolean): string {
  const message = error instanceof Error ? error.message : String(error)
  const code = error instanceof AmcpError ? error.code : 'ERR_USAGE'
  const details = error instanceof AmcpError ? error.details : {}
  return json ? JSON.stringify({ error: { code, message, details } }) : `amcp: ${message} (${code})`
}
