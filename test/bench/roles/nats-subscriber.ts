import { connect } from '@nats-io/transport-node'
import { roleOptions, serveRole } from '../harness/role.ts'
import { patterns, type Reading, sharedMicros } from '../harness/workload.ts'

const { url } = roleOptions<{ url: string }>()
const connection = await connect({ servers: url })
let received = 0
let sink = 0
let latencies: number[] = []

for (const pattern of patterns) {
  connection.subscribe(pattern, {
    callback: (_error, message) => {
      const event = JSON.parse(message.string()) as { data: Reading }
      sink += event.data.seq + event.data.position.x
      if (event.data.sentAt > 0) latencies.push(sharedMicros() - event.data.sentAt)
      received += 1
    },
  })
}
connection.subscribe('bench.echo', {
  callback: (_error, message) => {
    const event = JSON.parse(message.string()) as { data: Reading }
    message.respond(JSON.stringify(event))
  },
})
await connection.flush()

serveRole(
  {},
  {
    count: () => ({ received, sink, at: sharedMicros() }),
    latencies: () => {
      const taken = latencies
      latencies = []
      return taken
    },
    cpu: () => process.cpuUsage(),
    exit: () => process.exit(0),
  },
)
