import { ServiceBroker } from 'moleculer'
import { callMany } from '../harness/drive.ts'
import { roleOptions, serveRole } from '../harness/role.ts'
import { nextReading, type Reading } from '../harness/workload.ts'

/** Two nodes that know each other's address, so that no multicast is needed. */
const { nodeId, port, urls, echo } = roleOptions<{ nodeId: string; port: number; urls: string[]; echo: boolean }>()
const broker = new ServiceBroker({
  nodeID: nodeId,
  logger: false,
  transporter: { type: 'TCP', options: { udpDiscovery: false, port, urls, useHostname: false } },
} as unknown as ConstructorParameters<typeof ServiceBroker>[0])
if (echo) {
  broker.createService({ name: 'bench', actions: { echo: (context: { params: { data: Reading } }) => context.params } })
}
await broker.start()
if (!echo) await broker.waitForServices('bench')

serveRole(
  {},
  {
    calls: (argument: { inFlight: number; seconds: number }) =>
      callMany(argument.inFlight, argument.seconds, async (index) => {
        const reply = await broker.call<{ data: Reading }, { data: Reading }>('bench.echo', {
          data: nextReading(index),
        })
        return reply.data.seq
      }),
    cpu: () => process.cpuUsage(),
    exit: () => process.exit(0),
  },
)
