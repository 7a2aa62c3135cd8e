import { accessSync, constants, statSync } from 'node:fs'
import { InvalidArgumentError } from 'commander'

/** The path of a file with something to read in it, so that four processes need not start first to find out. */
export function readableFile(path: string): string {
  let fault: string | undefined
  try {
    accessSync(path, constants.R_OK)
    const file = statSync(path)
    if (file.isDirectory()) fault = 'it is a folder'
    else if (file.isFile() && file.size === 0) fault = 'it is empty'
  } catch (cause) {
    fault = (cause as Error).message
  }
  if (fault !== undefined)
    throw new InvalidArgumentError(`it cannot be read: ${fault}. One JSON value a line is needed.`)
  return path
}
