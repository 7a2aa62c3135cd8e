import { CommanderError } from 'commander'
import { AmcpError, type ErrorCode } from '../core/errors.ts'

/** What the command ends with; part of its interface, since scripts branch on it. */
export const EXIT = {
  done: 0,
  /** The mesh or an agent said no: the handler failed, a topic or an event was refused. */
  refused: 1,
  /** The command was not understood, or a file that it names cannot be read. */
  usage: 2,
  /** No context runs in the folder. */
  notRunning: 3,
  /** The folder's context cannot be used: not admitted, expired, in use, damaged. */
  folder: 4,
  /** Nobody offers it, or nobody answered in time. */
  unanswered: 5,
  /** As shells have it for Ctrl-C. */
  interrupted: 130,
} as const

/** For the help of the command. */
export const exitCodeHelp: string = `
Exit codes: ${EXIT.done} done, ${EXIT.refused} refused or failed, ${EXIT.usage} wrong usage, ${EXIT.notRunning} no context runs here, ${EXIT.folder} the folder's context
cannot be used, ${EXIT.unanswered} nobody offers it or answers, ${EXIT.interrupted} interrupted.`

const byCode: Partial<Readonly<Record<ErrorCode, number>>> = {
  ERR_USAGE: EXIT.usage,
  ERR_CONTROL_UNAVAILABLE: EXIT.notRunning,
  ERR_FOLDER_IN_USE: EXIT.folder,
  ERR_STORE_UNREADABLE: EXIT.folder,
  ERR_MESH_FILE_INVALID: EXIT.folder,
  ERR_CREDENTIAL_INVALID: EXIT.folder,
  ERR_NOT_A_MEMBER: EXIT.folder,
  ERR_MEMBERSHIP_EXPIRED: EXIT.folder,
  ERR_WRONG_MESH: EXIT.folder,
  ERR_DUPLICATE_IDENTITY: EXIT.folder,
  ERR_CAPABILITY_UNKNOWN: EXIT.unanswered,
  ERR_AGENT_UNKNOWN: EXIT.unanswered,
  ERR_NOT_CONVERGED: EXIT.unanswered,
  ERR_CALL_DEADLINE: EXIT.unanswered,
  ERR_CALL_TARGET_LOST: EXIT.unanswered,
}

/** @param isStopped whether the user wanted to stop: then whatever was cut short is no fault of its own */
export function exitCodeOf(error: unknown, isStopped: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage
  if (isStopped) return EXIT.interrupted
  if (error instanceof AmcpError) return byCode[error.code] ?? EXIT.refused
  return EXIT.usage
}
