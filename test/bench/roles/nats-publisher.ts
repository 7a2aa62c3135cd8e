import { connect } from '@nats-io/transport-node'
import { burst, callMany, paced } from '../harness/drive.ts'
import { natsEvent } from '../harness/nats-event.ts'
import { roleOptions, serveRole } from '../harness/role.ts'
import { nextReading, topics } from '../harness/workload.ts'

const { url } = roleOptions<{ url: string }>()
const connection = await connect({ servers: url })
let published = 0
const flushing: Promise<void>[] = []

const publish = (sentAt = 0): void => {
  const topic = topics[published % topics.length]!
  connection.publish(topic, natsEvent(topic, published, nextReading(published, sentAt)))
  published += 1
}

serveRole(
  {},
  {
    burst: async (seconds: number) => {
      const before = published
      await burst(seconds, 512, publish, async () => {
        flushing.push(connection.flush())
        if (flushing.length >= 3) await flushing.shift()
      })
      await Promise.all(flushing.splice(0))
      return published - before
    },
    paced: (argument: { rate: number; seconds: number }) => paced(argument.rate, argument.seconds, publish),
    calls: (argument: { inFlight: number; seconds: number }) =>
      callMany(argument.inFlight, argument.seconds, async (index) => {
        const reply = await connection.request('bench.echo', natsEvent('bench.echo', index, nextReading(index)), {
          timeout: 5_000,
        })
        return (JSON.parse(reply.string()) as { data: { seq: number } }).data.seq
      }),
    cpu: () => process.cpuUsage(),
    exit: () => process.exit(0),
  },
)
