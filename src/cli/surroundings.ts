import type { Command } from 'commander'
import type { Ports } from '../core/ports.ts'
import { folderPaths } from '../identity/context-folder.ts'
import { type ControlClient, connectControl } from './control-client.ts'
import { createOutput, type Output } from './output.ts'

/** What commands touch outside themselves: the terminal, signals and the ports. Tests bring their own. */
export interface Surroundings {
  readonly ports: Ports
  readonly version: string
  /** Whether `--json` was typed: wrong usage, too, is to be told so that machines can read it. */
  readonly json: boolean
  readonly write: (text: string) => void
  readonly writeError: (text: string) => void
  /** Lines of the standard input. */
  readonly input: AsyncIterable<string>
  /** Aborted when the user wants to stop: SIGINT, SIGTERM, or a reader that went away. */
  readonly stopped: AbortSignal
}

export const defaultFolder = '.amcp'

/** Options that every command has. */
export interface CommonOptions {
  readonly folder: string
  readonly json: boolean
}

export const withCommonOptions = (command: Command): Command =>
  command
    .option('-f, --folder <path>', "the context's own folder", defaultFolder)
    .option('--json', 'print JSON lines for machines', false)

/** The folder as a next command has to name it. */
export const inFolder = ({ folder }: CommonOptions): string => (folder === defaultFolder ? '' : ` -f ${folder}`)

export const outputOf = ({ write, writeError }: Surroundings, { json }: CommonOptions): Output =>
  createOutput({ json, write, writeError })

/** The context that runs beside this command. ERR_CONTROL_UNAVAILABLE when none does. */
export const controlOf = ({ folder }: CommonOptions): Promise<ControlClient> =>
  connectControl(folderPaths(folder).control)
