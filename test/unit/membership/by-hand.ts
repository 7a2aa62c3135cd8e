import { Counters } from '../../../src/core/counters.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { SeededRandom } from '../../../src/core/seeded-random.ts'
import { encodeHello, HELLO_PROTOCOL, type Hello } from '../../../src/membership/hello-message.ts'
import { OwnEntry } from '../../../src/membership/own-entry.ts'
import type { StateEntry } from '../../../src/membership/state-entry.ts'
import {
  decodeMessage,
  type EntryRecord,
  encodeMessage,
  STATE_PROTOCOL,
  type StateMessage,
} from '../../../src/membership/state-messages.ts'
import type { MessageStream } from '../../../src/network/network.ts'
import { type CredentialOptions, crypto, FakeMesh, idOf, type Node, wordCredentials } from './fake-mesh.ts'

export const hex = (digit: string): string => digit.repeat(32)

export const recordOf = (entry: StateEntry, changes: Partial<EntryRecord> = {}): EntryRecord => ({
  age: 0,
  head: entry.headBytes,
  signature: entry.signature,
  body: entry.bodyBytes,
  membership: entry.membership,
  ...changes,
})

/** Host 1, and a peer 9 that has said hello and speaks the state protocol by hand. */
export async function session({ seen = null }: { seen?: Hello['seen'] } = {}) {
  const mesh = new FakeMesh()
  const [host] = await mesh.grow(1)
  const network = mesh.swarm.join(idOf(9), '/outside')
  const heard: StateMessage[] = []
  const take = (stream: MessageStream): MessageStream => {
    stream.onMessage((bytes) => heard.push(decodeMessage(bytes)))
    return stream
  }
  let state: MessageStream | undefined
  network.streams.handle(
    HELLO_PROTOCOL,
    (stream) => {
      stream.onMessage((bytes) => {
        const message = JSON.parse(new TextDecoder().decode(bytes))
        if (message.t === 'hello') stream.send(hello(mesh, seen))
        else if (message.t === 'welcome') network.admit(idOf(1))
      })
    },
    { beforeAdmission: true },
  )
  network.streams.handle(STATE_PROTOCOL, (stream) => {
    state = take(stream)
  })
  await network.dial('/node/1')
  if (idOf(1) < idOf(9)) await mesh.clock.advance(50)
  else {
    const stream = await mesh.run(network.streams.open(idOf(1), HELLO_PROTOCOL, { beforeAdmission: true }))
    let nonce = ''
    stream.onMessage((bytes) => {
      nonce = JSON.parse(new TextDecoder().decode(bytes)).nonce
    })
    stream.send(hello(mesh, seen))
    await mesh.clock.advance(20)
    stream.send(encodeHello({ t: 'welcome', nonce }))
    network.admit(idOf(1))
    await mesh.clock.advance(50)
  }
  if (state === undefined) state = take(await mesh.run(network.streams.open(idOf(1), STATE_PROTOCOL)))
  const line = state
  const say = async (...messages: StateMessage[]): Promise<void> => {
    for (const message of messages) line.send(encodeMessage(message))
    await mesh.clock.advance(50)
  }
  const own = (n: number, options: CredentialOptions = {}) => {
    const ports = {
      clock: mesh.clock,
      random: new SeededRandom(n),
      crypto,
      logger: silentLogger,
      counters: new Counters(),
    }
    const one = new OwnEntry(ports, wordCredentials(n, options), idOf(n), hex('7'))
    one.begin(0)
    return one
  }
  await mesh.clock.advance(50)
  return { mesh, host: host as Node, heard, say, own, line }
}

function hello(mesh: FakeMesh, seen: Hello['seen']): Uint8Array {
  return encodeHello({
    t: 'hello',
    versions: [1],
    mesh: 'mesh',
    membership: 'member',
    incarnation: hex('7'),
    time: mesh.clock.now(),
    seen,
    members: hex('0'),
    addresses: ['/outside'],
    summary: hex('0'),
    nonce: hex('2'),
  })
}
