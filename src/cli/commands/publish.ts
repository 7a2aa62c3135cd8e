import { Command } from 'commander'
import { AmcpError } from '../../core/errors.ts'
import { jsonOrText } from '../arguments.ts'
import type { ControlClient } from '../control-client.ts'
import type { PublishRequest } from '../control-methods.ts'
import { toControlError } from '../control-protocol.ts'
import { counted } from '../output.ts'
import { type CommonOptions, controlOf, outputOf, type Surroundings, withCommonOptions } from '../surroundings.ts'
import { unlessAborted } from '../unless-aborted.ts'

/** Events on their way to the context at once. */
const IN_FLIGHT = 64

interface PublishCommandOptions extends CommonOptions {
  readonly text: boolean
}

const explanation = `
JSON with a specversion is a CloudEvent and must be a valid one of version 1.0. It is published as an event of this
context: source, id, time and sequence are given anew, replyto is left out; subject (unless a topic is given), type,
data and all else stay as they are. A line that is refused is named by its number, and the next ones go on.

Examples:
  amcp publish amcp.domain.load '{"load":3}'           one event
  tail -f log | amcp publish --text amcp.domain.log    a line, an event
  amcp tap -f a | amcp publish -f b                    all events of one mesh in another one, too`

export function publishCommand(surroundings: Surroundings): Command {
  return withCommonOptions(new Command('publish'))
    .description('Publishes to a topic: one event with the data given, or one for each line of standard input.')
    .argument('[topic]', 'where all of it goes; a CloudEvent alone may do without, since its subject names a topic')
    .argument('[data]', 'a single event: JSON, text or a CloudEvent; without it lines are read until they end (Ctrl-D)')
    .option('--text', 'take lines as they are, also those that look like JSON', false)
    .addHelpText('after', explanation)
    .action(async (first: string | undefined, second: string | undefined, options: PublishCommandOptions) => {
      // No topic begins like this, but a CloudEvent does, which names its own.
      const isData = second === undefined && first?.startsWith('{') === true
      const [topic, data] = isData ? [undefined, first] : [first, second]
      using control = await controlOf(options)
      const output = outputOf(surroundings, options)
      if (data !== undefined) {
        await control.request('publish', options.text ? textOf(topic)(data) : requestOf(parsedLine(data), topic))
        output.fact('Published 1 event.', { published: 1, refused: 0 })
        return
      }
      const read = options.text ? textOf(topic) : (line: string): PublishRequest => requestOf(parsedLine(line), topic)
      const { published, refused } = await publishLines(control, surroundings, read, (line, error) =>
        output.note(`line ${line}: ${error.message}`, { line, error: toControlError(error) }),
      )
      output.fact(`Published ${counted(published, 'event')}, refused ${refused}.`, { published, refused })
      if (refused > 0) {
        throw new AmcpError('ERR_EVENT_INVALID', `${counted(refused, 'line')} refused`, { details: { refused } })
      }
    })
}

/**
 * Publishes line by line, in order; a refused line is told and the next one goes on. ERR_CONTROL_UNAVAILABLE when the
 * context stops meanwhile: then no line is read any more.
 */
async function publishLines(
  control: ControlClient,
  { input, stopped }: Surroundings,
  read: (line: string) => PublishRequest,
  refuse: (line: number, error: Error) => void,
): Promise<{ published: number; refused: number }> {
  let published = 0
  let refused = 0
  let number = 0
  const underWay = new Set<Promise<void>>()
  const lost = new AbortController()
  for await (const line of until(AbortSignal.any([stopped, lost.signal]), input)) {
    number += 1
    if (line.trim() === '') continue
    const at = number
    const one = publishLine(control, line, read).then(
      () => {
        published += 1
      },
      (error: Error) => {
        refused += 1
        refuse(at, error)
        if (error instanceof AmcpError && error.code === 'ERR_CONTROL_UNAVAILABLE') lost.abort(error)
      },
    )
    underWay.add(one)
    void one.finally(() => underWay.delete(one))
    if (underWay.size >= IN_FLIGHT) await Promise.race(underWay)
  }
  await Promise.all(underWay)
  lost.signal.throwIfAborted()
  return { published, refused }
}

function parsedLine(line: string): unknown {
  try {
    return jsonOrText(line)
  } catch (cause) {
    throw new AmcpError('ERR_USAGE', `${(cause as Error).message}; with --text it is published as it is`, { cause })
  }
}

async function publishLine(
  control: ControlClient,
  line: string,
  read: (line: string) => PublishRequest,
): Promise<void> {
  await control.request('publish', read(line))
}

/** The lines until the user stops, who need not wait for the next line. */
async function* until(stopped: AbortSignal, lines: AsyncIterable<string>): AsyncIterable<string> {
  const iterator = lines[Symbol.asyncIterator]()
  while (!stopped.aborted) {
    const { value, done } = await unlessAborted(stopped, iterator.next()).catch((fault: unknown) => {
      if (stopped.aborted) return { value: '', done: true }
      throw fault
    })
    if (done === true) return
    yield value
  }
}

const textOf =
  (topic: string | undefined) =>
  (data: string): PublishRequest => {
    if (topic === undefined) throw new AmcpError('ERR_USAGE', 'text goes to a topic: amcp publish --text TOPIC')
    return { topic, data }
  }

/** A CloudEvent is read, and refused, by the context, in whose name it is published; anything else is data. */
function requestOf(parsed: unknown, topic: string | undefined): PublishRequest {
  if (isEvent(parsed)) return { event: parsed, ...(topic === undefined ? {} : { topic }) }
  if (topic === undefined)
    throw new AmcpError('ERR_USAGE', 'this is no CloudEvent, so a topic is needed: amcp publish TOPIC')
  return { topic, data: parsed }
}

const isEvent = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && 'specversion' in value
