/** Overlays of `network.i2p`, made of entries as in an application. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EntryId, entryId } from '@troupe/core'
import { type Overlay, provideNetworkAccess, type Route } from '@troupe/network'
import { networkKinds, OverlayTable } from '@troupe/network/kernel'
import { Registry } from '@troupe/registry'
import { zeroHops } from '../peers/i2pd.ts'

type Fields = Readonly<Record<string, unknown>>

/** Overlays of one registry, with a folder for their keys, which is deleted with them. */
export class I2pOverlays implements AsyncDisposable {
  readonly overlays: OverlayTable
  readonly stateDir: string
  /** The states that they reported. */
  readonly log: string[] = []
  readonly #registry = new Registry({ kinds: networkKinds })

  /** @param stateDir - A folder that belongs to others, which keep it. */
  constructor(stateDir: string) {
    this.stateDir = stateDir
    this.overlays = new OverlayTable(this.#registry, { stateDir, log: (line) => this.log.push(line) })
  }

  /** The overlay `app:<name>` with these fields, in YAML's spelling. By default, tunnels have no hops. */
  async add(name: string, fields: Fields): Promise<Overlay> {
    const id: EntryId = entryId(`app:${name}`)
    this.#registry.add({ id, kind: 'network.i2p', fields: { options: zeroHops, ...fields } })
    return this.overlays.add(id)
  }

  /** Lets this thread dial and listen on them; also on those of `others`, as if all were one application. */
  provide(...others: readonly I2pOverlays[]): void {
    const holding = (id: EntryId) =>
      [this, ...others].find(({ overlays }) => overlays.has(id))?.overlays ?? this.overlays
    provideNetworkAccess({
      select: async () => {},
      route: async (id) => Promise.resolve(holding(id).route(id)),
      bind: async (id, options) => {
        const binding = await holding(id).get(id).bind(options)
        return { listenGrant: binding.listenGrant, release: () => void binding[Symbol.asyncDispose]() }
      },
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.overlays[Symbol.asyncDispose]()
  }
}

/** A folder for keys, which exists until the tests end. */
export async function stateFolder(stack: AsyncDisposableStack): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-i2p-'))
  stack.defer(async () => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A route to a bridge on another port of this machine, which is not awaited. */
export function reroute(route: Route, port: number): Route {
  const timeouts = { connect: 10_000, session: 10_000, dial: 10_000, firstByte: 10_000, wait: 100 }
  return { ...route, config: { bridge: { host: '127.0.0.1', port }, session: 'none', timeouts } }
}
