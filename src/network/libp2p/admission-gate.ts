import type { GossipSubComponents } from '@libp2p/gossipsub'
import type { Connection, PeerId, Stream, StreamHandler, Topology } from '@libp2p/interface'
import { AmcpError } from '../../core/errors.ts'
import type { ContextId } from '../../core/ids.ts'
import type { Ports } from '../../core/ports.ts'

type Registrar = GossipSubComponents['registrar']
type ConnectionManager = GossipSubComponents['connectionManager']

/** Streams of one peer that wait for its admission; one more is refused. Of an honest one: gossip, and what the DHT begins with. */
const HELD_STREAMS = 6
/** Bytes a held stream may bring before its admission. */
const HELD_BYTES = 256 * 1024

interface Waiting {
  readonly streams: { readonly stream: Stream; readonly release: () => void }[]
  readonly settle: Set<(admitted: boolean) => void>
}

interface Known {
  readonly topology: Topology
  readonly peer: PeerId
}

/**
 * Keeps gossipsub and kad-dht from peers that are not admitted, without patching them: they are given wrapped collaborators.
 * Their streams from such a peer wait here (the other end may have admitted us a moment earlier), and news of it is told
 * to them when it is admitted. Admission ends with the peer's last link.
 */
export class AdmissionGate {
  readonly #ports: Ports
  readonly #admitted = new Set<ContextId>()
  readonly #waiting = new Map<ContextId, Waiting>()
  readonly #topologies = new Map<ContextId, Map<Topology, Known>>()
  readonly #connectionOf: (peer: PeerId) => Connection | undefined

  /** @param connectionOf an open connection to the peer, if there is one */
  constructor(ports: Ports, connectionOf: (peer: PeerId) => Connection | undefined) {
    this.#ports = ports
    this.#connectionOf = connectionOf
  }

  isAdmitted(peer: ContextId): boolean {
    return this.#admitted.has(peer)
  }

  admit(peer: ContextId): void {
    if (this.#admitted.has(peer)) return
    this.#admitted.add(peer)
    this.announce(peer)
    const waiting = this.#waiting.get(peer)
    this.#waiting.delete(peer)
    for (const { release } of waiting?.streams ?? []) release()
    for (const settle of waiting?.settle ?? []) settle(true)
  }

  /** Forgets the peer: its last link has closed. */
  withdraw(peer: ContextId): void {
    const waiting = this.#waiting.get(peer)
    this.#waiting.delete(peer)
    const reason = new AmcpError('ERR_PROTOCOL_REFUSED', 'the peer was not admitted')
    for (const { stream } of waiting?.streams ?? []) stream.abort(reason)
    for (const settle of waiting?.settle ?? []) settle(false)
    const topologies = this.#topologies.get(peer)
    this.#topologies.delete(peer)
    if (!this.#admitted.delete(peer)) return
    for (const known of topologies?.values() ?? []) this.#run(() => known.topology.onDisconnect?.(known.peer))
  }

  /** Tells the gated services of the admitted peer (once more): gossipsub then opens its stream if it has none. */
  announce(peer: ContextId): void {
    for (const known of this.#topologies.get(peer)?.values() ?? []) {
      const connection = this.#connectionOf(known.peer)
      if (connection !== undefined) this.#run(() => known.topology.onConnect?.(known.peer, connection))
    }
  }

  /** Resolves to whether the peer was admitted, at its admission or when its link closes. */
  admission(peer: ContextId, signal?: AbortSignal): Promise<boolean> {
    if (this.#admitted.has(peer)) return Promise.resolve(true)
    return new Promise((resolve, reject) => {
      const { settle } = this.#waitingOf(peer)
      const onAbort = (): void => {
        settle.delete(done)
        reject(signal?.reason)
      }
      const done = (admitted: boolean): void => {
        signal?.removeEventListener('abort', onAbort)
        resolve(admitted)
      }
      settle.add(done)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  /** What a gated service is given instead of the node's registrar. */
  registrar(inner: Registrar): Registrar {
    return proxy(inner, {
      handle: (protocol: string, handler: StreamHandler, options?: Parameters<Registrar['handle']>[2]) =>
        inner.handle(protocol, this.#gated(handler), options),
      register: (protocol: string, topology: Topology) => inner.register(protocol, this.#gatedTopology(topology)),
    })
  }

  /**
   * What a gated service is given instead of the node's connection manager: it speaks to admitted peers only.
   * @param mayDial whether it may link to a peer that is not linked; otherwise ERR_NOT_CONNECTED
   */
  connectionManager(inner: ConnectionManager, mayDial: () => boolean): ConnectionManager {
    const openStream: ConnectionManager['openStream'] = async (peer, protocol, options) => {
      // These services name peers by their ids, never by addresses.
      const linked = this.#connectionOf(peer as PeerId)
      if (linked === undefined && !mayDial())
        throw new AmcpError('ERR_NOT_CONNECTED', `there is no link to ${String(peer)}`, { retryable: true })
      const connection = linked ?? (await inner.openConnection(peer, options))
      const id = connection.remotePeer.toString()
      if (!(await this.admission(id, options?.signal)))
        throw new AmcpError('ERR_NOT_CONNECTED', `${id} left before it was admitted`)
      return connection.newStream(protocol, options)
    }
    return proxy(inner, { openStream })
  }

  #gated(handler: StreamHandler): StreamHandler {
    return (stream, connection) => {
      const peer = connection.remotePeer.toString()
      if (this.#admitted.has(peer)) return handler(stream, connection)
      const { streams } = this.#waitingOf(peer)
      if (streams.length >= HELD_STREAMS) {
        this.#ports.counters.add('network.streams.refused')
        stream.abort(new AmcpError('ERR_PROTOCOL_REFUSED', 'the peer is not admitted'))
        return
      }
      const limit = stream.maxReadBufferLength
      stream.maxReadBufferLength = HELD_BYTES
      const release = (): void => {
        stream.maxReadBufferLength = limit
        if (stream.status !== 'open') return
        this.#run(
          () => handler(stream, connection),
          (fault) => stream.abort(fault),
        )
      }
      streams.push({ stream, release })
    }
  }

  #gatedTopology(topology: Topology): Topology {
    return {
      ...topology,
      onConnect: (peer, connection) => {
        // libp2p tells after an exchange with the peer, by when the link may be gone, and `withdraw` past.
        if (connection.status !== 'open') return
        const id = peer.toString()
        const topologies = this.#topologies.get(id) ?? new Map<Topology, Known>()
        this.#topologies.set(id, topologies.set(topology, { topology, peer }))
        if (this.#admitted.has(id)) this.#run(() => topology.onConnect?.(peer, connection))
      },
      // `withdraw` tells at once; libp2p's own word comes late, perhaps after the next link's onConnect.
      onDisconnect: () => {},
    }
  }

  /** Calls a gated service on libp2p's behalf, and like libp2p takes its fault: a link that ends early is no crash of ours. */
  #run(service: () => unknown, failed?: (fault: Error) => void): void {
    const done = new Promise((resolve) => resolve(service()))
    done.catch((fault: Error) => {
      this.#ports.counters.add('network.gated.failed')
      this.#ports.logger.debug({ fault: String(fault) }, 'a gated service failed')
      failed?.(fault)
    })
  }

  #waitingOf(peer: ContextId): Waiting {
    const waiting = this.#waiting.get(peer) ?? { streams: [], settle: new Set() }
    this.#waiting.set(peer, waiting)
    return waiting
  }
}

/** `inner` with some of its methods replaced; the others keep their `this`. */
export function proxy<T extends object>(inner: T, replaced: Partial<T>): T {
  return new Proxy(inner, {
    get: (target, key) => {
      const own: unknown = Reflect.get(replaced, key)
      if (own !== undefined) return own
      const value: unknown = Reflect.get(target, key)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** `components` with another registrar and connection manager; `mayDial` as in `AdmissionGate.connectionManager`. */
export function gatedComponents<T extends { registrar: Registrar; connectionManager: ConnectionManager }>(
  components: T,
  gate: AdmissionGate,
  mayDial: () => boolean = () => false,
): T {
  return proxy(components, {
    registrar: gate.registrar(components.registrar),
    connectionManager: gate.connectionManager(components.connectionManager, mayDial),
  } as Partial<T>)
}
