import { deadline } from '../core/deadline.ts'
import { AmcpError } from '../core/errors.ts'
import type { ContextId } from '../core/ids.ts'
import type { Ports } from '../core/ports.ts'
import { TokenBucket } from '../core/token-bucket.ts'
import type { MessageStream, Network } from '../network/network.ts'
import { judgeHello } from './hello-judge.ts'
import type { Hello, HelloMessage } from './hello-message.ts'
import {
  decodeHello,
  encodeHello,
  HELLO_LIMIT,
  HELLO_PROTOCOL,
  PROTOCOL_VERSIONS,
  REASON_LIMIT,
} from './hello-message.ts'
import type { MemberCredentials } from './member-credentials.ts'
import { MessageQueue } from './message-queue.ts'
import { PeerTimers } from './peer-timers.ts'
import { RefusedByThem, refusalOf } from './refusal.ts'
import { isSignOfLife, type SignOfLife } from './sign-of-life.ts'
import { hexOf } from './state-entry.ts'
import type { MembershipTiming } from './timing.ts'

export interface HelloComponents {
  ports: Ports
  network: Network
  credentials: MemberCredentials
}

/** What hello asks and tells the rest of membership. */
export interface HelloEvents {
  /** The own hello to this peer, but for what hello itself fills in. */
  greeting(peer: ContextId): Pick<Hello, 'incarnation' | 'seen' | 'members' | 'addresses' | 'summary'>
  /** What another incarnation of the peer, if one is linked, answers to a challenge made now. */
  aliveElsewhere(peer: ContextId, hello: Hello): Promise<SignOfLife | undefined>
  /** Whether this shows that another process under our key lives and was there before the hello with this nonce. */
  provesRival(nonce: string, alive: SignOfLife): boolean
  /** Both ends agreed; the network has admitted the peer already. */
  admitted(peer: ContextId, hello: Hello): void
  /** The other end refused us, or we it. */
  refused(peer: ContextId, error: AmcpError, by: 'them' | 'us'): void
}

/**
 * Hellos that one peer may have under way towards us. Two happen, when it came back before we noticed that it was gone;
 * those that it has given up stay open until they are closed or time out.
 */
const STREAM_LIMIT = 4
/** Of the log about failed hellos, a second and at once. */
const LINES = { perSecond: 2, burst: 100 }
/** Streams that wait for `start`; more are refused. */
const WAITING_LIMIT = 64

/**
 * The first words on every link. The end with the smaller id begins: hello, hello back, welcome. The end
 * that began admits as it sends the welcome, the other as it reads it, so the state stream, which the larger id opens,
 * finds both ends ready. The larger id begins itself if it has waited in vain: when its process
 * came back before the other noticed the old link's end, the other sees no new link to begin on.
 */
export class Hellos {
  readonly #ports: Ports
  readonly #network: Network
  readonly #credentials: MemberCredentials
  readonly #timing: MembershipTiming
  readonly #events: HelloEvents
  readonly #under = new Map<ContextId, number>()
  /** Anybody could fill the log otherwise; the counters miss nothing. */
  readonly #lines: TokenBucket
  readonly #graces: PeerTimers
  /** The end of what a link may last without an admission, however many hellos are tried on it. */
  readonly #limits: PeerTimers
  #waiting: MessageStream[] = []
  #state: 'new' | 'running' | 'stopped' = 'new'
  #unlisten: (() => void) | undefined

  constructor({ ports, network, credentials }: HelloComponents, timing: MembershipTiming, events: HelloEvents) {
    this.#ports = ports
    this.#network = network
    this.#credentials = credentials
    this.#timing = timing
    this.#events = events
    this.#lines = new TokenBucket(ports.clock, LINES.perSecond, LINES.burst)
    this.#graces = new PeerTimers(ports.clock)
    this.#limits = new PeerTimers(ports.clock)
    network.streams.handle(HELLO_PROTOCOL, (stream) => this.#incoming(stream), {
      beforeAdmission: true,
      messageLimit: HELLO_LIMIT,
      streamLimit: STREAM_LIMIT,
    })
  }

  start(): void {
    this.#state = 'running'
    this.#unlisten = this.#network.onPeer({
      connected: (peer) => this.#linked(peer),
      disconnected: (peer) => {
        this.#graces.cancel(peer)
        this.#limits.cancel(peer)
      },
    })
    for (const stream of this.#waiting.splice(0)) this.#serve(stream)
    for (const peer of this.#network.peers) this.#linked(peer)
  }

  stop(): void {
    this.#state = 'stopped'
    this.#unlisten?.()
    this.#graces.clear()
    this.#limits.clear()
    for (const stream of this.#waiting.splice(0)) stream.abort(new AmcpError('ERR_STOPPED', 'this context stops'))
  }

  #linked(peer: ContextId): void {
    this.#limits.set(peer, 2 * this.#timing.hello, () => this.#overdue(peer))
    if (this.#network.id < peer) {
      this.#begin(peer)
      return
    }
    this.#graces.set(peer, this.#timing.grace, () => {
      const needed = this.#network.isConnected(peer) && !this.#network.isAdmitted(peer) && !this.#under.has(peer)
      if (needed) this.#begin(peer)
    })
  }

  #overdue(peer: ContextId): void {
    if (this.#network.isAdmitted(peer) || !this.#network.isConnected(peer)) return
    this.#ports.counters.add('membership.hello.overdue')
    this.#drop(peer)
  }

  #incoming(stream: MessageStream): void {
    if (this.#state === 'running') this.#serve(stream)
    else if (this.#state === 'new' && this.#waiting.length < WAITING_LIMIT) this.#waiting.push(stream)
    else stream.abort(new AmcpError('ERR_STOPPED', 'this context is not running'))
  }

  #begin(peer: ContextId): void {
    void this.#attempt(peer, async () => {
      const stream = await this.#open(peer)
      return this.#exchange(stream, async (queue) => {
        const own = this.#send(stream, this.#hello(peer))
        const theirs = await this.#judged(stream, queue, own)
        // The welcome goes out first: it must be read before anything that our admission sets going.
        this.#send(stream, { t: 'welcome', nonce: theirs.nonce })
        this.#admit(peer, theirs)
      })
    })
  }

  async #open(peer: ContextId): Promise<MessageStream> {
    using limit = deadline(this.#ports.clock, this.#timing.hello)
    return await this.#network.streams.open(peer, HELLO_PROTOCOL, { beforeAdmission: true, signal: limit.signal })
  }

  #serve(stream: MessageStream): void {
    const { peer } = stream
    this.#graces.cancel(peer)
    void this.#attempt(peer, () =>
      this.#exchange(stream, async (queue) => {
        const theirs = await this.#judged(stream, queue)
        const own = this.#send(stream, this.#hello(peer))
        const welcome = decodeHello(await queue.next())
        this.#throwIfRefused(welcome, own)
        if (welcome.t !== 'welcome' || welcome.nonce !== own.nonce)
          throw new AmcpError('ERR_PROTOCOL_REFUSED', `${peer} sent no welcome`)
        this.#admit(peer, theirs)
      }),
    )
  }

  /** The other's hello, found right; throws what must be told to it otherwise. */
  async #judged(stream: MessageStream, queue: MessageQueue, own?: Hello): Promise<Hello> {
    const hello = decodeHello(await queue.next())
    this.#throwIfRefused(hello, own)
    if (hello.t !== 'hello') throw new AmcpError('ERR_PROTOCOL_REFUSED', `${stream.peer} did not begin with a hello`)
    judgeHello(stream.peer, hello, this.#credentials, this.#ports.clock.now())
    const alive = await this.#events.aliveElsewhere(stream.peer, hello)
    if (alive !== undefined)
      throw new AmcpError('ERR_DUPLICATE_IDENTITY', `another process with the key of ${stream.peer} is in the mesh`, {
        details: { alive },
      })
    return hello
  }

  #admit(peer: ContextId, hello: Hello): void {
    if (this.#state !== 'running' || !this.#network.isConnected(peer)) return
    this.#network.remember(peer, hello.addresses)
    this.#network.admit(peer)
    this.#ports.counters.add('membership.hello.admitted')
    this.#events.admitted(peer, hello)
  }

  async #exchange(stream: MessageStream, talk: (queue: MessageQueue) => Promise<void>): Promise<void> {
    using queue = new MessageQueue(stream, this.#ports.clock, this.#timing.hello)
    try {
      await talk(queue)
    } catch (error) {
      this.#refuse(stream, error)
      throw error
    } finally {
      // A stream that the other end has reset cannot be closed in good order, nor need it be.
      if (stream.isOpen) await stream.close()
    }
  }

  /** Tells the other end why, if there is a reason it can hear and it still listens. */
  #refuse(stream: MessageStream, error: unknown): void {
    const code = refusalOf(error)
    if (code === undefined || !stream.isOpen) return
    try {
      const { message, details } = error as AmcpError
      const { alive } = details
      this.#send(stream, {
        t: 'refused',
        code,
        message: message.slice(0, REASON_LIMIT),
        ...(isSignOfLife(alive) ? { alive } : {}),
      })
    } catch (broken) {
      this.#ports.counters.add('membership.hello.refusal-unheard')
      this.#ports.logger.debug({ peer: stream.peer, error: String(broken) }, 'the refusal was not heard')
    }
  }

  /** Runs one handshake; a failed one ends the link, unless the link is that of an older life which goes on. */
  async #attempt(peer: ContextId, run: () => Promise<unknown>): Promise<void> {
    this.#under.set(peer, (this.#under.get(peer) ?? 0) + 1)
    try {
      await run()
    } catch (error) {
      this.#failed(peer, error)
    } finally {
      const left = (this.#under.get(peer) ?? 1) - 1
      if (left === 0) this.#under.delete(peer)
      else this.#under.set(peer, left)
    }
  }

  #failed(peer: ContextId, error: unknown): void {
    const { counters, logger } = this.#ports
    if (error instanceof RefusedByThem) {
      counters.add(`membership.hello.refused-by-peer.${error.error.code}`)
      this.#events.refused(peer, error.error, 'them')
    } else if (refusalOf(error) !== undefined) {
      counters.add(`membership.hello.refused.${(error as AmcpError).code}`)
      this.#events.refused(peer, error as AmcpError, 'us')
    } else counters.add('membership.hello.failed')
    if (this.#lines.take()) logger.info({ peer, error: String(error) }, 'hello failed')
    if (this.#network.isAdmitted(peer)) return
    if (refusalOf(error) === undefined) this.#drop(peer)
    // Whom we refuse must read why before the link goes: it ends the link itself, and we only if it does not.
    else this.#ports.clock.after(this.#timing.grace, () => this.#dropUnlessAdmitted(peer))
  }

  #dropUnlessAdmitted(peer: ContextId): void {
    if (!this.#network.isAdmitted(peer) && !this.#under.has(peer)) this.#drop(peer)
  }

  #drop(peer: ContextId): void {
    this.#network.disconnect(peer).catch((error: unknown) => {
      this.#ports.counters.add('membership.hello.disconnect-failed')
      this.#ports.logger.debug({ peer, error: String(error) }, 'the link could not be closed')
    })
  }

  /** @param own the hello that was sent on this stream, if one was: only that can have been refused as a duplicate's */
  #throwIfRefused(message: HelloMessage, own: Hello | undefined): void {
    if (message.t !== 'refused') return
    const { code, alive } = message
    if (code === 'ERR_DUPLICATE_IDENTITY') {
      const isProved = own !== undefined && alive !== undefined && this.#events.provesRival(own.nonce, alive)
      if (!isProved) {
        this.#ports.counters.add('membership.hello.duplicate-unproved')
        throw new AmcpError('ERR_PROTOCOL_REFUSED', 'said without proof that this context lives twice')
      }
    }
    throw new RefusedByThem(new AmcpError(code, message.message))
  }

  #hello(peer: ContextId): Hello {
    return {
      t: 'hello',
      versions: PROTOCOL_VERSIONS,
      mesh: this.#credentials.mesh,
      membership: decoder.decode(this.#credentials.own),
      time: this.#ports.clock.now(),
      nonce: hexOf(this.#ports.random.bytes(16)),
      ...this.#events.greeting(peer),
    }
  }

  #send<M extends HelloMessage>(stream: MessageStream, message: M): M {
    stream.send(encodeHello(message))
    return message
  }
}

const decoder = new TextDecoder()
