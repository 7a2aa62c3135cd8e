import { accessSync, constants } from 'node:fs'
import { InvalidArgumentError } from 'commander'

/** The path of a file that can be read, so that four processes need not start first to find out. */
export function readableFile(path: string): string {
  try {
    accessSync(path, constants.R_OK)
  } catch (fault) {
    throw new InvalidArgumentError(`it cannot be read: ${(fault as Error).message}`)
  }
  return path
}
