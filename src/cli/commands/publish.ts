import { Command } from 'commander'
import { AmcpError } from '../../core/errors.ts'
import { isAttribute, isKept } from '../../events/attributes.ts'
import { jsonOrText } from '../arguments.ts'
import type { ControlClient } from '../control-client.ts'
import type { PublishRequest } from '../control-methods.ts'
import { type CommonOptions, controlOf, outputOf, type Surroundings, withCommonOptions } from '../surroundings.ts'

/** Events on their way to the context at once. */
const IN_FLIGHT = 64

export function publishCommand(surroundings: Surroundings): Command {
  return withCommonOptions(new Command('publish'))
    .description('Publishes to a topic: one event with the data given, or one for each line of standard input.')
    .argument('[topic]', 'where lines go that are no CloudEvents; a CloudEvent names its topic as subject')
    .argument('[data]', 'JSON or text of a single event; without it lines are read')
    .addHelpText('after', '\nExample: tail -f log | amcp publish amcp.domain.log')
    .action(async (topic: string | undefined, data: string | undefined, options: CommonOptions) => {
      using control = await controlOf(options)
      const output = outputOf(surroundings, options)
      if (topic !== undefined && data !== undefined) {
        await control.request('publish', { topic, data: jsonOrText(data), options: {} } satisfies PublishRequest)
        output.fact('Published 1 event.', { published: 1, refused: 0 })
        return
      }
      const { published, refused } = await publishLines(control, surroundings, topic, (text) => output.note(text))
      output.fact(`Published ${published} events, refused ${refused}.`, { published, refused })
      if (refused > 0)
        throw new AmcpError('ERR_EVENT_INVALID', `${refused} lines were refused`, { details: { refused } })
    })
}

/** Publishes line by line, in order; a refused line is told and the next one goes on. */
async function publishLines(
  control: ControlClient,
  { input, stopped }: Surroundings,
  topic: string | undefined,
  note: (text: string) => void,
): Promise<{ published: number; refused: number }> {
  let published = 0
  let refused = 0
  let number = 0
  const underWay = new Set<Promise<void>>()
  for await (const line of input) {
    if (stopped.aborted) break
    number += 1
    if (line.trim() === '') continue
    const at = number
    const one = publishLine(control, line, topic).then(
      () => {
        published += 1
      },
      (error: Error) => {
        refused += 1
        note(`line ${at}: ${error.message}`)
      },
    )
    underWay.add(one)
    void one.finally(() => underWay.delete(one))
    if (underWay.size >= IN_FLIGHT) await Promise.race(underWay)
  }
  await Promise.all(underWay)
  return { published, refused }
}

async function publishLine(control: ControlClient, line: string, topic: string | undefined): Promise<void> {
  await control.request('publish', requestOf(jsonOrText(line), topic))
}

/** A CloudEvent keeps its attributes and extensions, but for those that the context gives; anything else is data. */
function requestOf(parsed: unknown, topic: string | undefined): PublishRequest {
  if (isEvent(parsed)) {
    const all = Object.entries(parsed).filter(([, value]) => value !== null)
    const extensions = all.filter(([name]) => !isAttribute(name) && name !== 'data_base64')
    const base64 = parsed['data_base64']
    return {
      topic: topic ?? String(parsed['subject']),
      data: parsed['data'] ?? null,
      ...(typeof base64 === 'string' ? { base64 } : {}),
      options: {
        ...Object.fromEntries(all.filter(([name]) => isKept(name))),
        ...(extensions.length === 0 ? {} : { extensions: Object.fromEntries(extensions) }),
      },
    }
  }
  if (topic === undefined)
    throw new AmcpError('ERR_USAGE', 'this line is no CloudEvent with a subject, so a topic is needed')
  return { topic, data: parsed, options: {} }
}

const isEvent = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && 'specversion' in value && 'subject' in value
