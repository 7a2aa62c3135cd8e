import { Command } from 'commander'
import { wholeNumber } from '../arguments.ts'
import { type CommonOptions, controlOf, outputOf, type Surroundings, withCommonOptions } from '../surroundings.ts'

interface TapOptions extends CommonOptions {
  readonly count?: number
}

export function tapCommand(surroundings: Surroundings): Command {
  return withCommonOptions(new Command('tap'))
    .description('Prints the events of a pattern as they come, one CloudEvent a line.')
    .argument('[pattern]', '* is one level, > the rest', 'amcp.domain.>')
    .option('-n, --count <n>', 'end after so many events', wholeNumber)
    .addHelpText('after', "\nExample: amcp tap 'amcp.domain.alert.>' | jq .data")
    .action(async (pattern: string, options: TapOptions) => {
      using control = await controlOf(options)
      const output = outputOf(surroundings, options)
      let left = options.count ?? Number.POSITIVE_INFINITY
      const items = control.stream<{ ready?: true; event?: unknown }>('tap', { pattern })
      const iterator = items[Symbol.asyncIterator]()
      const stop = (): void => void iterator.return?.()
      if (surroundings.stopped.aborted) return
      surroundings.stopped.addEventListener('abort', stop, { once: true })
      try {
        for (;;) {
          const { value, done } = await iterator.next()
          if (done === true) return
          if (value.event === undefined) output.note(`Listening to ${pattern} …`, { listening: pattern })
          else {
            output.line(JSON.stringify(value.event))
            left -= 1
            if (left <= 0) return
          }
        }
      } finally {
        surroundings.stopped.removeEventListener('abort', stop)
        stop()
      }
    })
}
