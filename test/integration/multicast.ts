import { createSocket } from 'node:dgram'
import { systemPorts } from '../../src/core/default-ports.ts'

const GROUP = '224.0.0.251'
const PORT = 5353
/** Datagrams may be lost: so many are sent, with so many ms between them. */
const ATTEMPTS = 50
const PAUSE = 100

/**
 * Why a datagram to mDNS's group does not come back on this machine (a container without multicast, a firewall), or
 * nothing when it does. Found out by sending one: an empty DNS question that nobody answers.
 */
export function multicastFault(): Promise<string | undefined> {
  const probe = Buffer.alloc(12)
  probe.writeUInt16BE(process.pid & 0xffff)
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  return new Promise<string | undefined>((resolve) => {
    const { clock } = systemPorts()
    const send = (left: number): void => {
      if (left > 0) {
        socket.send(probe, PORT, GROUP)
        timer = clock.after(PAUSE, () => send(left - 1))
      } else done('a datagram to mDNS’s group did not come back within 5 s')
    }
    let timer = clock.after(PAUSE, () => send(ATTEMPTS))
    const done = (fault: string | undefined): void => {
      timer.cancel()
      socket.close(() => resolve(fault))
    }
    socket.once('error', (error) => done(error.message))
    socket.on('message', (message) => {
      if (message.equals(probe)) done(undefined)
    })
    socket.bind(PORT, () => {
      try {
        socket.addMembership(GROUP)
      } catch (error) {
        done((error as Error).message)
      }
    })
  })
}
