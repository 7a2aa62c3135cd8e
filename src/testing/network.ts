import { gossip } from './network-gossip.ts'
import { admission, links } from './network-links.ts'
import type { NetworkSuite } from './network-parts.ts'
import { records, streams } from './network-streams.ts'

export type { NetworkSuite, OpenNetworks } from './network-parts.ts'

/** What every Network promises, whatever carries it. */
export function networkConformance(name: string, suite: NetworkSuite): void {
  suite.describe(`Network: ${name}`, () => {
    links(suite)
    admission(suite)
    gossip(suite)
    streams(suite)
    records(suite)
  })
}
