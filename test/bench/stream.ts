/**
 * MB/s of one stream between two processes under TLS: `node test/bench/stream.ts [message bytes] [seconds]`.
 * The floor is a plain TCP socket between the same two processes.
 */
import { fork } from 'node:child_process'
import { connect, createServer } from 'node:net'
import { systemPorts } from '../../src/core/default-ports.ts'
import { libp2pNetwork } from '../../src/network/libp2p/libp2p-network.ts'
import type { MessageStream } from '../../src/network/network.ts'
import { printFigure } from './harness/pairs.ts'

const PROTOCOL = '/bench/stream/1'
const given = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const size = Number(given[0] ?? 64 * 1024)
const seconds = Number(given[1] ?? 3)
const ports = systemPorts()
let received = 0
const network = libp2pNetwork({ ports, seed: ports.random.bytes(32), meshId: 'bench' })

if (process.send === undefined) await measure()
else await receive(process.send.bind(process))

async function receive(tell: (message: object) => boolean): Promise<void> {
  process.once('disconnect', () => process.exit(0))
  let bytes = 0
  network.streams.handle(
    PROTOCOL,
    (stream) =>
      stream.onMessage((message) => {
        bytes += message.length
        if (message.length === 0) stream.send(new TextEncoder().encode(`${bytes}`))
      }),
    { beforeAdmission: true },
  )
  await network.start()
  const server = createServer((socket) => {
    let plain = 0
    socket.on('data', (chunk) => {
      plain += chunk.length
    })
    socket.on('end', () => socket.end(`${plain}`))
  })
  server.listen(0, '127.0.0.1', () =>
    tell({ address: network.addresses[0], port: (server.address() as { port: number }).port }),
  )
}

async function measure(): Promise<void> {
  const child = fork(new URL(import.meta.url))
  const { address, port } = await new Promise<{ address: string; port: number }>((resolve) =>
    child.once('message', (message) => resolve(message as { address: string; port: number })),
  )
  await network.start()
  const peer = await network.dial(address)
  const stream = await network.streams.open(peer, PROTOCOL, { beforeAdmission: true })
  const answers: ((bytes: number) => void)[] = []
  stream.onMessage((message) => answers.shift()?.(Number(new TextDecoder().decode(message))))
  await run(stream, answers, 0.5)
  const { bytes, ms } = await run(stream, answers, seconds)
  const floor = await plainSocket(port)
  const rate = bytes / 1e6 / (ms / 1_000)
  printFigure({
    figure: 'stream',
    value: rate,
    unit: 'MB/s',
    rival: 'plain TCP socket',
    rivalValue: floor,
    ratio: rate / floor,
    conditions: { messageBytes: size, messagesPerSecond: Math.round(bytes / size / (ms / 1_000)), seconds },
  })
  child.kill()
  process.exit(0)
}

async function run(
  stream: MessageStream,
  answers: ((bytes: number) => void)[],
  duration: number,
): Promise<{ bytes: number; ms: number }> {
  const message = ports.random.bytes(size)
  const from = ports.clock.monotonic()
  while (ports.clock.monotonic() - from < duration * 1_000) {
    let more = true
    for (let at = 0; at < 64 && more; at++) more = stream.send(message)
    if (more) await new Promise<void>((resolve) => ports.clock.endOfTurn(resolve))
    else await stream.drained()
  }
  const all = await new Promise<number>((resolve) => {
    answers.push(resolve)
    stream.send()
  })
  const bytes = all - received
  received = all
  return { bytes, ms: ports.clock.monotonic() - from }
}

function plainSocket(port: number): Promise<number> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const message = ports.random.bytes(size)
    const from = ports.clock.monotonic()
    const write = (): void => {
      while (ports.clock.monotonic() - from < 1_000) if (!socket.write(message)) return void socket.once('drain', write)
      socket.end()
    }
    socket.on('data', (answer) => resolve(Number(answer.toString()) / 1e6 / ((ports.clock.monotonic() - from) / 1_000)))
    write()
  })
}
