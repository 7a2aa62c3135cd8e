import type { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { AmcpError, type ErrorCode } from '../core/errors.ts'

/**
 * The local control socket speaks lines of JSON: a request names a method, and is answered by any number of items
 * and one end, or by one error. A `cancel` ends a stream from the client's side.
 */
export type ControlRequest =
  | { readonly id: number; readonly method: string; readonly params: unknown }
  | { readonly id: number; readonly cancel: true }

export type ControlResponse =
  | { readonly id: number; readonly item: unknown }
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: ControlError }

/** An error on its way to the command, on the same machine: whole, unlike what calls tell other contexts. */
export interface ControlError {
  readonly code: ErrorCode
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
}

export function toControlError(error: unknown): ControlError {
  if (error instanceof AmcpError) return { code: error.code, message: error.message, details: error.details }
  const isUsage = error instanceof TypeError || error instanceof RangeError
  const message = error instanceof Error ? error.message : String(error)
  return { code: isUsage ? 'ERR_USAGE' : 'ERR_CALL_FAILED', message, details: {} }
}

export function fromControlError({ code, message, details }: ControlError): AmcpError {
  return new AmcpError(code, message, { details })
}

/** Reads lines of JSON from the socket; a line that is not JSON ends the connection, since its sender is not one of ours. */
export function readLines<T>(socket: Socket, onLine: (line: T) => void): void {
  const lines = createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY })
  lines.on('line', (line) => {
    let parsed: T
    try {
      parsed = JSON.parse(line) as T
      if (typeof parsed !== 'object' || parsed === null) throw new TypeError('no object')
    } catch (cause) {
      socket.destroy(new Error('the other end of the control socket does not speak JSON lines', { cause }))
      return
    }
    onLine(parsed)
  })
  lines.on('error', () => lines.close()) // readline repeats the socket's own error, which its owner handles
}
