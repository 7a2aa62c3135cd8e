import Table from 'cli-table3'

/** One row of the closing table: what was to hold, what was seen, and whether it held. */
export interface Proof {
  readonly what: string
  readonly seen: string
  readonly holds: boolean
}

export function printProofs(proofs: readonly Proof[]): void {
  const colour = process.stdout.isTTY
  const mark = (holds: boolean): string => {
    const text = holds ? 'ok' : 'FAILED'
    return colour ? `\u001b[${holds ? 32 : 31}m${text}\u001b[0m` : text
  }
  const table = new Table({ head: ['what', 'seen', ''], style: { head: [], border: [] } })
  for (const { what, seen, holds } of proofs) table.push([what, seen, mark(holds)])
  console.log(table.toString())
}
