import { Command } from 'commander'
import { wholeNumber } from '../arguments.ts'
import type { TapItem } from '../control-methods.ts'
import { type CommonOptions, controlOf, outputOf, type Surroundings, withCommonOptions } from '../surroundings.ts'

interface TapOptions extends CommonOptions {
  readonly count?: number
}

const example = `
An event whose data cannot be read is named on standard error, counted there, and skipped.

Examples:
  amcp tap 'amcp.domain.alert.>' | jq .data     what is in the alerts
  amcp tap -f a | amcp publish -f b             all events of one mesh in another one, too`

export function tapCommand(surroundings: Surroundings): Command {
  return withCommonOptions(new Command('tap'))
    .description('Prints the events of a pattern as they come, one CloudEvent a line.')
    .argument('[pattern]', '* is one level, > the rest', 'amcp.domain.>')
    .option('-n, --count <n>', 'end after so many events', wholeNumber)
    .addHelpText('after', example)
    .action(async (pattern: string, options: TapOptions) => {
      using control = await controlOf(options)
      const output = outputOf(surroundings, options)
      let left = options.count ?? Number.POSITIVE_INFINITY
      let unreadable = 0
      const items = control.stream<TapItem>('tap', { pattern })
      const iterator = items[Symbol.asyncIterator]()
      const stop = (): void => void iterator.return?.()
      if (surroundings.stopped.aborted) return
      surroundings.stopped.addEventListener('abort', stop, { once: true })
      try {
        for (;;) {
          const { value, done } = await iterator.next()
          if (done === true) return
          if ('ready' in value) output.note(`Listening to ${pattern} …`, { listening: pattern })
          else if ('unreadable' in value) {
            unreadable += 1
            const { subject, source, error } = value.unreadable
            const text = `skipped an event that cannot be read (${unreadable} so far), to ${subject} from ${source}: ${error.message}`
            output.note(text, { skipped: unreadable, ...value.unreadable })
          } else {
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
