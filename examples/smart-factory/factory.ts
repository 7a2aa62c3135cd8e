import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemPorts } from 'amcp-mesh'
import { acceptMembership, foundMesh, inviteContext, prepareContext } from 'amcp-mesh/folder'
import { Place, type PlaceName } from './place.ts'

interface Ready {
  readonly id: string
  readonly addresses: readonly string[]
}

/** The factory's four processes, each with a folder, a key and a membership of its own. */
export class Factory implements AsyncDisposable {
  readonly root: string = mkdtempSync(join(tmpdir(), 'amcp-factory-'))
  readonly places = new Map<PlaceName, Place>()
  readonly ids = new Map<PlaceName, string>()
  readonly #onNews: (from: PlaceName, news: unknown) => void
  #entry: readonly string[] = []

  constructor(onNews: (from: PlaceName, news: unknown) => void) {
    this.#onNews = onNews
    const ports = systemPorts()
    const mesh = foundMesh(ports, this.folder('plant'), 'factory')
    for (const name of ['edge-1', 'edge-2', 'operator'] as const) {
      const did = prepareContext(ports, this.folder(name), mesh)
      acceptMembership(ports, this.folder(name), inviteContext(ports, this.folder('plant'), did))
    }
  }

  folder(name: PlaceName): string {
    return join(this.root, name)
  }

  place(name: PlaceName): Place {
    const place = this.places.get(name)
    if (place === undefined) throw new Error(`${name} is not running`)
    return place
  }

  /** Starts a process and waits until its context is usable. All but the plant join by the plant's address. */
  async start(name: PlaceName): Promise<void> {
    const place = new Place({ name, folder: this.folder(name), bootstrap: this.#entry }, (news) =>
      this.#onNews(name, news),
    )
    this.places.set(name, place)
    const { id, addresses } = await place.ask<Ready>('ready')
    this.ids.set(name, id)
    if (name === 'plant') this.#entry = addresses.slice(0, 1)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.places.values()].map((place) => place.stop()))
    rmSync(this.root, { recursive: true, force: true })
  }
}
