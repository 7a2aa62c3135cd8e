import { Command } from 'commander'
import { jsonOrText, positiveNumber } from '../arguments.ts'
import { type CommonOptions, controlOf, outputOf, type Surroundings, withCommonOptions } from '../surroundings.ts'

interface CallCommandOptions extends CommonOptions {
  readonly deadline: number
}

export function callCommand(surroundings: Surroundings): Command {
  return withCommonOptions(new Command('call'))
    .description('Calls a capability, or an agent by its id, and prints the answer.')
    .argument('<target>', 'a capability such as anomaly.detect, or an agent id')
    .argument('[input]', 'JSON, or plain text', jsonOrText, {})
    .option('-d, --deadline <ms>', 'how long to wait', positiveNumber, 5_000)
    .action(async (target: string, input: unknown, options: CallCommandOptions) => {
      using control = await controlOf(options)
      const { deadline } = options
      const { output } = await control.request<{ output: unknown }>('call', { target, input, deadline })
      outputOf(surroundings, options).line(JSON.stringify(output, undefined, options.json ? undefined : 2))
    })
}
