/** Overlays of `network.i2p`, made of entries as an application's are. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EntryId, entryId } from '@troupe/core'
import type { Overlay, Route } from '@troupe/network'
import { networkKinds, Overlays } from '@troupe/network/kernel'
import { Registry } from '@troupe/registry'
import { zeroHops } from '../peers/i2pd.ts'

type Fields = Readonly<Record<string, unknown>>

/** Overlays of one registry, with a folder for their keys, which goes with them. */
export class I2pOverlays implements AsyncDisposable {
  readonly overlays: Overlays
  readonly stateDir: string
  /** What they told. */
  readonly log: string[] = []
  readonly #registry = new Registry({ kinds: networkKinds })

  private constructor(stateDir: string) {
    this.stateDir = stateDir
    this.overlays = new Overlays(this.#registry, { stateDir, log: (line) => this.log.push(line) })
  }

  static async start(): Promise<I2pOverlays> {
    return new I2pOverlays(await mkdtemp(join(tmpdir(), 'troupe-i2p-')))
  }

  /** The overlay `app:<name>` with these fields, in YAML's spelling. Tunnels have no hops unless the fields say otherwise. */
  async add(name: string, fields: Fields): Promise<Overlay> {
    const id: EntryId = entryId(`app:${name}`)
    this.#registry.add({ id, kind: 'network.i2p', fields: { options: zeroHops, ...fields } })
    return this.overlays.add(id)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.overlays[Symbol.asyncDispose]()
    await rm(this.stateDir, { recursive: true, force: true })
  }
}

/** A route to a bridge on another port of this machine, which is not waited for. */
export function reroute(route: Route, port: number): Route {
  const timeouts = { connect: 10_000, session: 10_000, dial: 10_000, firstByte: 10_000, wait: 100 }
  return { ...route, config: { bridge: { host: '127.0.0.1', port }, session: 'none', timeouts } }
}
