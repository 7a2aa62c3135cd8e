import { Command } from 'commander'
import { jsonArgument, positiveNumber } from '../arguments.ts'
import { type CommonOptions, controlOf, outputOf, type Surroundings, withCommonOptions } from '../surroundings.ts'
import { unlessAborted } from '../unless-aborted.ts'

interface CallCommandOptions extends CommonOptions {
  readonly deadline: number
}

const example = `
Examples:
  amcp call anomaly.detect '{"host":"edge-1","load":0.97}'
  amcp call text.upper hello --deadline 500 --json`

export function callCommand(surroundings: Surroundings): Command {
  return withCommonOptions(new Command('call'))
    .description('Calls a capability, or an agent by its id, and prints the answer.')
    .argument('<target>', 'a capability such as anomaly.detect, or an agent id')
    .argument('[input]', 'JSON, or plain text', jsonArgument, {})
    .option('-d, --deadline <ms>', 'how long to wait', positiveNumber, 5_000)
    .addHelpText('after', example)
    .action(async (target: string, input: unknown, options: CallCommandOptions) => {
      using control = await controlOf(options)
      const { deadline } = options
      const request = control.request<{ output: unknown }>('call', { target, input, deadline })
      // When this command goes away the context gives the call up, and its agent is told.
      const { output } = await unlessAborted(surroundings.stopped, request)
      outputOf(surroundings, options).line(JSON.stringify(output, undefined, options.json ? undefined : 2))
    })
}
