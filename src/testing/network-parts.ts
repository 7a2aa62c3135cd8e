import type { MessageStream, Network } from '../network/network.ts'

/** Fresh networks of one mesh that can reach each other and are not linked, nor started, yet. */
export interface OpenNetworks extends AsyncDisposable {
  readonly networks: readonly Network[]
  /** Lets time pass until the condition holds; rejects, naming `what`, when it still does not after a generous while. */
  until(condition: () => boolean, what: string): Promise<void>
  /** Lets everything that is under way arrive, so that what has not come by then does not come. */
  settle(): Promise<void>
}

export interface NetworkSuite {
  describe(name: string, body: () => void): void
  test(name: string, body: () => Promise<void>): void
  open(count: number): Promise<OpenNetworks>
}

export const TOPIC = 'amcp/1/conformance/s/1/0'
export const OPEN = '/conformance/open/1'
export const CLOSED = '/conformance/closed/1'

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
export const text = (message: Uint8Array): string => new TextDecoder().decode(message)

/** Networks that have been prepared and started; the suite stops them. */
export interface StartedNetworks extends OpenNetworks {
  readonly pair: readonly [Network, Network]
  readonly three: readonly [Network, Network, Network]
}

export async function started(
  mesh: OpenNetworks,
  prepare: (network: Network, at: number) => void = () => {},
): Promise<StartedNetworks> {
  for (const [at, network] of mesh.networks.entries()) prepare(network, at)
  for (const network of mesh.networks) await network.start()
  const three = mesh.networks as readonly [Network, Network, Network]
  return {
    networks: mesh.networks,
    pair: [three[0], three[1]],
    three,
    until: (condition, what) => mesh.until(condition, what),
    settle: () => mesh.settle(),
    [Symbol.asyncDispose]: async () => {
      for (const network of mesh.networks) await network.stop()
      await mesh[Symbol.asyncDispose]()
    },
  }
}

/** Links two contexts and admits each at the other. */
export async function link(mesh: OpenNetworks, from: Network, to: Network): Promise<void> {
  await from.dial(to.addresses[0]!)
  await mesh.until(() => to.isConnected(from.id), 'linked at both ends')
  from.admit(to.id)
  to.admit(from.id)
}

export function echo(stream: MessageStream): void {
  stream.onMessage((message) => stream.send(message))
}

export async function ask(
  from: Network,
  to: Network,
  protocol: string,
  question: string,
  options: { beforeAdmission?: boolean } = {},
): Promise<string> {
  const stream = await from.streams.open(to.id, protocol, options)
  const answer = new Promise<string>((resolve) => stream.onMessage((message) => resolve(text(message))))
  stream.send(bytes(question))
  const heard = await answer
  await stream.close()
  return heard
}
