/** Two overlays with real proxies, each with its own exit address. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type EntryId, entryId } from '@troupe/core'
import type { Route } from '@troupe/network'
import { socks5Route } from '../overlays/socks5-fixture.ts'
import { Daemon } from '../peers/daemon.ts'
import { installPeers, programs } from '../peers/install.ts'
import { listens } from '../peers/socks-probe.ts'

export class Exit implements AsyncDisposable {
  readonly network: EntryId
  /** The address that servers see its connections come from. */
  readonly address: string
  readonly #daemon: Daemon

  private constructor(network: EntryId, address: string, daemon: Daemon) {
    this.network = network
    this.address = address
    this.#daemon = daemon
  }

  static async start(name: string, address: string, folder: string): Promise<Exit> {
    await installPeers(programs)
    const args = ['-i', address, '-p', '1080', '-b', address]
    const daemon = new Daemon({ name, program: programs.microsocks.path, args, log: join(folder, `${name}.log`) })
    await daemon.until(async () => listens(address, 1080))
    return new Exit(entryId(`app:${name}`), address, daemon)
  }

  async route(): Promise<Route> {
    return socks5Route(this.network.slice('app:'.length), { host: this.address, port: 1080 })
  }

  /** The targets that it was asked to connect to, `host:port`. */
  async asked(): Promise<readonly string[]> {
    const lines = (await readFile(this.#daemon.log, 'utf8')).matchAll(/ connected to (\S+)$/gm)
    return Array.from(lines, ([, target]) => target ?? '')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon[Symbol.asyncDispose]()
  }
}
