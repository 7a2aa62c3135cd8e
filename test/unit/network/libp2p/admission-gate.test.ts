import type { Connection, PeerId, Stream, StreamHandler, Topology } from '@libp2p/interface'
import { describe, expect, test } from 'vitest'
import { systemPorts } from '../../../../src/core/default-ports.ts'
import { AdmissionGate, gatedComponents } from '../../../../src/network/libp2p/admission-gate.ts'

const peer = 'peer' as unknown as PeerId
type Components = Parameters<typeof gatedComponents>[0]

function gated() {
  const ports = systemPorts()
  const connection = { remotePeer: peer, status: 'open', newStream: (protocol: string) => Promise.resolve(protocol) }
  let open: typeof connection | undefined = connection
  const gate = new AdmissionGate(ports, () => open as unknown as Connection | undefined)
  const handlers: StreamHandler[] = []
  const topologies: Topology[] = []
  const registrar = {
    name: 'registrar',
    getName() {
      return this.name
    },
    handle: (_protocol: string, handler: StreamHandler) => Promise.resolve(void handlers.push(handler)),
    register: (_protocol: string, topology: Topology) => Promise.resolve(`${topologies.push(topology)}`),
  }
  const connectionManager = { openConnection: () => Promise.resolve(connection) }
  const inner = { registrar, connectionManager, other: 1 } as unknown as Components
  return {
    gate,
    ports,
    connection: connection as unknown as Connection,
    lose: () => {
      open = undefined
    },
    components: gatedComponents(inner, gate),
    handlers,
    topologies,
  }
}

interface FakeStream {
  status: string
  maxReadBufferLength: number
  aborted: unknown[]
}

function stream(): FakeStream & Stream {
  const aborted: unknown[] = []
  return {
    status: 'open',
    maxReadBufferLength: 9,
    aborted,
    abort: (e: Error) => aborted.push(e),
  } as unknown as FakeStream & Stream
}

async function handled(fixture: ReturnType<typeof gated>) {
  const seen: Stream[] = []
  await fixture.components.registrar.handle('/x', (each) => void seen.push(each))
  const handle = (each: Stream): unknown => fixture.handlers[0]!(each, fixture.connection)
  return { seen, handle }
}

describe('AdmissionGate, incoming streams', () => {
  test('go straight through from an admitted peer', async () => {
    const fixture = gated()
    const { seen, handle } = await handled(fixture)
    fixture.gate.admit('peer')
    const one = stream()
    handle(one)
    expect(seen).toEqual([one])
  })

  test('wait for the admission, with little room, and then go through in order', async () => {
    const fixture = gated()
    const { seen, handle } = await handled(fixture)
    const [one, two, dead] = [stream(), stream(), stream()]
    for (const each of [one, two, dead]) handle(each)
    dead.status = 'reset'
    expect(seen).toEqual([])
    expect(one.maxReadBufferLength).toBe(256 * 1024)
    fixture.gate.admit('peer')
    expect(seen).toEqual([one, two])
    expect(one.maxReadBufferLength).toBe(9)
  })

  test('whose service fails after the admission are aborted and counted: no rejection is left to end the process', async () => {
    const fixture = gated()
    const fault = new Error('unexpected end')
    await fixture.components.registrar.handle('/x', () => Promise.reject(fault))
    const one = stream()
    void fixture.handlers[0]!(one, fixture.connection)
    fixture.gate.admit('peer')
    await expect.poll(() => one.aborted).toEqual([fault])
    expect(fixture.ports.counters.get('network.gated.failed')).toBe(1)
  })

  test('are refused beyond six, counted', async () => {
    const fixture = gated()
    const { handle } = await handled(fixture)
    const all = Array.from({ length: 8 }, stream)
    for (const each of all) handle(each)
    expect(all.map((each) => each.aborted.length)).toEqual([0, 0, 0, 0, 0, 0, 1, 1])
    expect(fixture.ports.counters.get('network.streams.refused')).toBe(2)
  })

  test('are aborted when the peer leaves without having been admitted', async () => {
    const fixture = gated()
    const { seen, handle } = await handled(fixture)
    const one = stream()
    handle(one)
    fixture.gate.withdraw('peer')
    fixture.gate.admit('peer')
    expect(one.aborted).toHaveLength(1)
    expect(seen).toEqual([])
  })
})

describe('AdmissionGate, news of peers', () => {
  async function registered(fixture: ReturnType<typeof gated>) {
    const seen: string[] = []
    const own = { onConnect: () => void seen.push('+'), onDisconnect: () => void seen.push('-') }
    await fixture.components.registrar.register('/x', own)
    await fixture.components.registrar.register('/y', own)
    return { seen, connect: (at = 0) => fixture.topologies[at]!.onConnect?.(peer, fixture.connection) }
  }

  test('are told at the admission, once for a service that serves several protocols', async () => {
    const fixture = gated()
    const { seen, connect } = await registered(fixture)
    connect(0)
    connect(1)
    expect(seen).toEqual([])
    fixture.gate.admit('peer')
    fixture.gate.admit('peer')
    expect(seen).toEqual(['+'])
  })

  test('are told at once of a peer admitted earlier, and again on request while a connection is open', async () => {
    const fixture = gated()
    const { seen, connect } = await registered(fixture)
    fixture.gate.admit('peer')
    connect()
    fixture.gate.announce('peer')
    expect(seen).toEqual(['+', '+'])
    fixture.lose()
    fixture.gate.announce('peer')
    fixture.gate.announce('stranger')
    expect(seen).toEqual(['+', '+'])
  })

  test('of its end are told by the withdrawal, only for admitted peers, and not by libp2p, which is late', async () => {
    const fixture = gated()
    const { seen, connect } = await registered(fixture)
    connect()
    fixture.gate.withdraw('peer')
    connect()
    fixture.gate.admit('peer')
    fixture.gate.withdraw('peer')
    fixture.topologies[0]!.onDisconnect?.(peer)
    expect(seen).toEqual(['+', '-'])
    expect(fixture.gate.isAdmitted('peer')).toBe(false)
  })

  test('are ignored when the connection is closed already', async () => {
    const fixture = gated()
    const { seen, connect } = await registered(fixture)
    fixture.gate.admit('peer')
    Object.assign(fixture.connection, { status: 'closed' })
    connect()
    expect(seen).toEqual([])
  })
})

describe('AdmissionGate, outgoing streams of a gated service', () => {
  test('wait until the peer is admitted', async () => {
    const fixture = gated()
    const opening = fixture.components.connectionManager.openStream(peer, '/x')
    fixture.gate.admit('peer')
    expect(await opening).toBe('/x')
    expect(await fixture.components.connectionManager.openStream(peer, '/y')).toBe('/y')
  })

  test('fail when the peer leaves first, or the caller gives up', async () => {
    const fixture = gated()
    const opening = fixture.components.connectionManager.openStream(peer, '/x')
    const controller = new AbortController()
    const waiting = fixture.gate.admission('peer', controller.signal)
    const reason = new Error('enough')
    controller.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    await Promise.resolve()
    fixture.gate.withdraw('peer')
    await expect(opening).rejects.toMatchObject({ code: 'ERR_NOT_CONNECTED' })
  })
})

test('gatedComponents leaves everything else as it is, methods with their `this`', () => {
  const { components } = gated()
  expect((components as unknown as { other: number }).other).toBe(1)
  const registrar = components.registrar as unknown as { getName(): string; name: string }
  const { getName } = registrar
  expect(getName()).toBe('registrar')
  expect(registrar.name).toBe('registrar')
})
