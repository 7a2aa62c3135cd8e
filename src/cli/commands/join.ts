import { Command } from 'commander'
import { fromString } from 'uint8arrays/from-string'
import { AmcpError } from '../../core/errors.ts'
import {
  acceptMembership,
  folderPaths,
  prepareContext,
  readFileOrExplain,
  readMeshFile,
} from '../../identity/context-folder.ts'
import type { ContextIdentity } from '../../identity/context-identity.ts'
import { type CommonOptions, inFolder, outputOf, type Surroundings, withCommonOptions } from '../surroundings.ts'

interface JoinOptions extends CommonOptions {
  readonly mesh?: string
  readonly membership?: string
}

const steps = `
Steps:
  amcp join -f b --mesh mesh.json          here: makes a key and prints its did:key
  amcp invite did:key:z6Mk… --out b.jws    at the founder
  amcp join -f b --membership b.jws        here: takes the membership
  amcp up -f b --join /ip4/…/p2p/…         an address that a member's amcp up printed`

export function joinCommand(surroundings: Surroundings): Command {
  return withCommonOptions(new Command('join'))
    .description(
      'Joins a mesh in two steps: --mesh makes a key here and prints its did:key, --membership takes what invite gave.',
    )
    .option('-m, --mesh <file>', 'the mesh.json of the mesh')
    .option('--membership <file>', 'the membership that amcp invite signed')
    .addHelpText('after', steps)
    .action((options: JoinOptions) => {
      const output = outputOf(surroundings, options)
      const { mesh, membership, folder } = options
      if ((mesh === undefined) === (membership === undefined)) {
        const steps = '--mesh mesh.json to make a key, and when that was invited --membership FILE to be admitted'
        throw new AmcpError('ERR_USAGE', `say one of both: ${steps}`)
      }
      if (mesh !== undefined) {
        const found = readMeshFile(surroundings.ports, mesh, 'copy it from the founder’s folder')
        const did = prepareContext(surroundings.ports, folder, found)
        const text = [
          did,
          `Next, at the founder: amcp invite ${did} --out membership.jws`,
          `Then, here: amcp join${inFolder(options)} --membership membership.jws`,
        ]
        output.fact(text.join('\n'), { did, folder })
      }
      if (membership !== undefined) {
        const { id, mesh: joined } = admitted(surroundings, folder, membership)
        const by = joined.addresses.length === 0 ? ' --join ADDRESS, as a member’s amcp up printed it' : ''
        output.fact(`Admitted as ${id}. Next: amcp up${inFolder(options)}${by}`, { context: id, folder })
      }
    })
}

/** ERR_USAGE when the folder was not prepared or the file is not there; ERR_NOT_A_MEMBER and its kin for what it says. */
function admitted({ ports }: Surroundings, folder: string, file: string): ContextIdentity {
  const membership = readFileOrExplain(file, 'it is what the founder’s amcp invite wrote').trim()
  readFileOrExplain(folderPaths(folder).key, 'there is no key to admit yet: first amcp join --mesh mesh.json')
  try {
    return acceptMembership(ports, folder, fromString(membership))
  } catch (cause) {
    if (!(cause instanceof AmcpError)) throw cause
    const { code, message, details } = cause
    throw new AmcpError(code, `${file} does not admit the context of ${folder}: ${message}`, { cause, details })
  }
}
