import type { MultiaddrConnection } from '@libp2p/interface'
import type { Counters } from '../../core/counters.ts'
import { AmcpError } from '../../core/errors.ts'

/**
 * Inbound connections whose handshake is under way. Who connects and says nothing holds a place until the handshake's
 * time is over, so when all are taken the oldest of the host that has most of them goes: others get through.
 */
export class PendingLinks {
  readonly #counters: Counters
  readonly #limit: number
  readonly #hosts = new Map<string, Set<MultiaddrConnection>>()
  #count = 0

  /** @param limit handshakes at a time */
  constructor(counters: Counters, limit: number) {
    this.#counters = counters
    this.#limit = limit
  }

  come(link: MultiaddrConnection): void {
    const host = hostOf(link)
    const links = this.#hosts.get(host) ?? new Set()
    this.#hosts.set(host, links.add(link))
    this.#count += 1
    link.addEventListener('close', () => this.done(link), { once: true })
    if (this.#count > this.#limit) this.#drop()
  }

  /** The handshake is over, or the connection is. */
  done(link: MultiaddrConnection): void {
    const host = hostOf(link)
    const links = this.#hosts.get(host)
    if (!links?.delete(link)) return
    this.#count -= 1
    if (links.size === 0) this.#hosts.delete(host)
  }

  #drop(): void {
    let most: Set<MultiaddrConnection> = new Set()
    for (const links of this.#hosts.values()) if (links.size > most.size) most = links
    const oldest = most.values().next().value!
    this.#counters.add('network.pending.dropped')
    this.done(oldest)
    oldest.abort(new AmcpError('ERR_PROTOCOL_REFUSED', 'too many handshakes are under way'))
  }
}

const hostOf = ({ remoteAddr }: MultiaddrConnection): string => remoteAddr.getComponents()[0]?.value ?? ''
