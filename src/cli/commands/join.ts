import { Command } from 'commander'
import { fromString } from 'uint8arrays/from-string'
import { AmcpError } from '../../core/errors.ts'
import { acceptMembership, prepareContext, readFileOrExplain, readMeshFile } from '../../identity/context-folder.ts'
import { type CommonOptions, outputOf, type Surroundings, withCommonOptions } from '../surroundings.ts'

interface JoinOptions extends CommonOptions {
  readonly mesh?: string
  readonly membership?: string
}

export function joinCommand(surroundings: Surroundings): Command {
  return withCommonOptions(new Command('join'))
    .description(
      'Joins a mesh in two steps: --mesh makes a key here and prints its did:key, --membership takes what invite gave.',
    )
    .option('-m, --mesh <file>', 'the mesh.json of the mesh')
    .option('--membership <file>', 'the membership that amcp invite signed')
    .action((options: JoinOptions) => {
      const output = outputOf(surroundings, options)
      const { mesh, membership, folder } = options
      if (mesh === undefined && membership === undefined) {
        throw new AmcpError('ERR_USAGE', 'say --mesh mesh.json to make a key, or --membership FILE to be admitted')
      }
      if (mesh !== undefined) {
        const did = prepareContext(
          surroundings.ports,
          folder,
          readMeshFile(surroundings.ports, mesh, 'copy it from the founder’s folder'),
        )
        output.fact(`${did}\nNext, at the founder: amcp invite ${did}`, { did, folder })
      }
      if (membership !== undefined) {
        const { id } = acceptMembership(
          surroundings.ports,
          folder,
          fromString(readFileOrExplain(membership, 'it is what the founder’s amcp invite wrote').trim()),
        )
        output.fact(`Admitted as ${id}. Next: amcp up`, { context: id, folder })
      }
    })
}
