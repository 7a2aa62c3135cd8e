import { systemPorts } from '../../src/core/default-ports.ts'
import type { Ports } from '../../src/core/ports.ts'
import { type Libp2pNetworkOptions, libp2pNetwork } from '../../src/network/libp2p/libp2p-network.ts'
import type { Network } from '../../src/network/network.ts'
import type { OpenNetworks } from '../../src/testing/network.ts'

export interface Libp2pMesh extends OpenNetworks {
  readonly ports: readonly Ports[]
}

/** Networks over real sockets on this machine, neither started nor linked. */
export function openLibp2p(
  count: number,
  optionsOf: (at: number, networks: readonly Network[]) => Partial<Libp2pNetworkOptions> = () => ({}),
): Promise<Libp2pMesh> {
  const ports: Ports[] = []
  const networks: Network[] = []
  const meshId = systemPorts().random.uuid()
  for (let at = 0; at < count; at++) {
    const own = systemPorts()
    ports.push(own)
    networks.push(libp2pNetwork({ ports: own, seed: own.random.bytes(32), meshId, ...optionsOf(at, networks) }))
  }
  return Promise.resolve({ networks, ports, until, settle: () => settle(networks), [Symbol.asyncDispose]: dispose })

  async function dispose(): Promise<void> {
    for (const network of networks) await network.stop()
  }
}

/** Turns of the event loop that a condition is waited for; a turn takes at least 1 ms. */
const PATIENCE = 15_000

async function until(condition: () => boolean, what: string): Promise<void> {
  const { clock } = systemPorts()
  for (let turn = 0; turn < PATIENCE; turn++) {
    if (condition()) return
    await new Promise<void>((resolve) => {
      const held = setInterval(() => {}, 1_000)
      clock.after(1, () => {
        clearInterval(held)
        resolve()
      })
    })
  }
  throw new Error(`waited in vain until: ${what}`)
}

const PROBE = '/test/probe/1'

/** Round trips over all links, each after the last: on one connection nothing overtakes what was sent before. */
async function settle(networks: readonly Network[]): Promise<void> {
  for (const network of networks)
    network.streams.handle(PROBE, (stream) => stream.onMessage((message) => stream.send(message)), {
      beforeAdmission: true,
    })
  for (let round = 0; round < 5; round++)
    for (const from of networks)
      for (const peer of from.peers) {
        const stream = await from.streams.open(peer, PROBE, { beforeAdmission: true }).catch(() => undefined)
        if (stream === undefined) continue
        const back = new Promise<void>((resolve) => {
          stream.onMessage(() => resolve())
          stream.onClose(() => resolve())
        })
        stream.send(Uint8Array.of(round))
        await back
        await stream.close()
      }
}
