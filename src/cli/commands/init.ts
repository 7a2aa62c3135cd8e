import { Command } from 'commander'
import { folderPaths, foundMesh } from '../../identity/context-folder.ts'
import { oneMoreAddress } from '../arguments.ts'
import { type CommonOptions, inFolder, outputOf, type Surroundings, withCommonOptions } from '../surroundings.ts'

interface InitOptions extends CommonOptions {
  readonly name: string
  readonly address: readonly string[]
}

const examples = `
Examples:
  amcp init && amcp up
  amcp init --name plant --address /ip4/192.0.2.1/tcp/4001    then: amcp up --listen /ip4/0.0.0.0/tcp/4001`

export function initCommand(surroundings: Surroundings): Command {
  return withCommonOptions(new Command('init'))
    .description('Founds a mesh: its root key, its public mesh.json and its first context.')
    .option('-n, --name <name>', "the mesh's name", 'mesh')
    .option('-a, --address <multiaddr...>', 'where members can be dialled, for mesh.json', oneMoreAddress, [])
    .addHelpText('after', examples)
    .action((options: InitOptions) => {
      const output = outputOf(surroundings, options)
      const mesh = foundMesh(surroundings.ports, options.folder, options.name, options.address)
      const paths = folderPaths(options.folder)
      output.fact(
        [
          `Founded the mesh ${mesh.name} (${mesh.mesh}).`,
          `  ${paths.mesh}  share it with those who join`,
          `  ${paths.rootKey}  admits members: keep it offline`,
          `Next: amcp up${inFolder(options)}`,
        ].join('\n'),
        { mesh: mesh.mesh, name: mesh.name, root: mesh.root, file: paths.mesh },
      )
    })
}
