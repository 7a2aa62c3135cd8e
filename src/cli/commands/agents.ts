import { Command } from 'commander'
import type { AgentRow } from '../control-methods.ts'
import { type CommonOptions, controlOf, outputOf, type Surroundings, withCommonOptions } from '../surroundings.ts'

export function agentsCommand(surroundings: Surroundings): Command {
  return withCommonOptions(new Command('agents'))
    .description('Lists the agents of the context that runs here.')
    .addHelpText('after', '\nExample: amcp agents -f b --json | jq -r .agent')
    .action(async (options: CommonOptions) => {
      using control = await controlOf(options)
      const rows = await control.request<AgentRow[]>('agents')
      outputOf(surroundings, options).rows(
        rows.map((row) => ({ ...row })),
        'No agents yet: amcp up --agents MODULE spawns some.',
      )
    })
}
