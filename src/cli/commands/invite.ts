import { writeFileSync } from 'node:fs'
import { Command } from 'commander'
import { inviteContext } from '../../identity/context-folder.ts'
import { textOf } from '../../identity/statement.ts'
import { membershipHours } from '../arguments.ts'
import { type CommonOptions, outputOf, type Surroundings, withCommonOptions } from '../surroundings.ts'

interface InviteOptions extends CommonOptions {
  readonly hours: number
  readonly role: readonly string[]
  readonly out?: string
}

const example = `
Example: amcp invite did:key:z6Mk… --out b.jws    then, at the newcomer: amcp join --membership b.jws`

export function inviteCommand(surroundings: Surroundings): Command {
  return withCommonOptions(new Command('invite'))
    .description(
      "Admits a newcomer offline: signs a membership for its did:key with the root key in the founder's folder.",
    )
    .argument('<did:key>', 'what the newcomer’s amcp join printed')
    .option('--hours <n>', 'how long the membership lasts, 48 at most', membershipHours, 48)
    .option('--role <name...>', 'roles that its agents may have', ['agent'])
    .option('-o, --out <file>', 'write the membership to a file instead of printing it')
    .addHelpText('after', example)
    .action((did: string, options: InviteOptions) => {
      const output = outputOf(surroundings, options)
      const { hours, role, out } = options
      const membership = inviteContext(surroundings.ports, options.folder, did, {
        seconds: Math.round(hours * 3_600),
        roles: role,
      })
      if (out === undefined) {
        output.fact(textOf(membership), { did, hours, membership: textOf(membership) })
        return
      }
      writeFileSync(out, membership, { mode: 0o600 })
      output.fact(`Wrote ${out}. Next, at the newcomer: amcp join --membership ${out}`, { did, hours, file: out })
    })
}
