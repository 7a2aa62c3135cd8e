import { KEEP_ALIVE } from '@libp2p/interface'
import type { KadDHTComponents } from '@libp2p/kad-dht'
import { AmcpError } from '../../core/errors.ts'
import { type AdmissionGate, gatedComponents, proxy } from './admission-gate.ts'

/**
 * What kad-dht is given instead of the node's own parts, so that it makes links only for searches of this context. Left
 * alone it dials whoever it hears of, to see whether they answer, and dials them again when a link ends: a full mesh.
 * Its table holds linked peers only; those that a search needs beyond are linked meanwhile, and idle links end.
 * @param isSearching whether a search of this context goes on, which may dial
 */
export function dhtComponents(
  components: KadDHTComponents,
  gate: AdmissionGate,
  isSearching: () => boolean,
): KadDHTComponents {
  const { ping, peerStore } = components
  const linkedPing: KadDHTComponents['ping']['ping'] = async (peer, options) => {
    if (!gate.isAdmitted(String(peer))) throw new AmcpError('ERR_NOT_CONNECTED', `${String(peer)} is not linked`)
    return ping.ping(peer, options)
  }
  const merge: KadDHTComponents['peerStore']['merge'] = (peer, data, options) => {
    const { tags = {}, ...rest } = data
    const kept = Object.entries(tags).filter(([tag]) => !tag.startsWith(KEEP_ALIVE))
    return peerStore.merge(peer, { ...rest, tags: Object.fromEntries(kept) }, options)
  }
  return proxy(gatedComponents(components, gate, isSearching), {
    ping: proxy(ping, { ping: linkedPing }),
    peerStore: proxy(peerStore, { merge }),
  })
}
