import { Command } from 'commander'
import { folderPaths, foundMesh } from '../../identity/context-folder.ts'
import { type CommonOptions, outputOf, type Surroundings, withCommonOptions } from '../surroundings.ts'

interface InitOptions extends CommonOptions {
  readonly name: string
  readonly address: readonly string[]
}

export function initCommand(surroundings: Surroundings): Command {
  return withCommonOptions(new Command('init'))
    .description('Founds a mesh: its root key, its public mesh.json and its first context.')
    .option('-n, --name <name>', "the mesh's name", 'mesh')
    .option('-a, --address <multiaddr...>', 'where members can be dialled, for mesh.json', [])
    .action((options: InitOptions) => {
      const output = outputOf(surroundings, options)
      const mesh = foundMesh(surroundings.ports, options.folder, options.name, options.address)
      const paths = folderPaths(options.folder)
      output.fact(
        [
          `Founded the mesh ${mesh.name} (${mesh.mesh}).`,
          `  ${paths.mesh}  share it with those who join`,
          `  ${paths.rootKey}  admits members: keep it offline`,
          'Next: amcp up',
        ].join('\n'),
        { mesh: mesh.mesh, name: mesh.name, root: mesh.root, file: paths.mesh },
      )
    })
}
