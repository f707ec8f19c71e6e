/** A place of a tailnet node at which a thread accepts connections, as the kernel holds it. */
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { BroadcastChannel } from '../../guard/node/broadcast-channel.ts'
import type { BindOptions } from '../../overlay/overlay.ts'
import { done, listening } from './sidecar-messages.ts'
import type { TailscaleListenGrant } from './route.ts'
import type { SidecarProcess } from './sidecar-process.ts'

/** Long, because the node may have to request a certificate first. */
const listenTimeout = 90_000
const closeTimeout = 10_000
const channelBytes = 18

export class TailnetListener {
  readonly listenGrant: TailscaleListenGrant
  readonly #folder: string
  readonly #options: BindOptions
  #port: number
  #at: { readonly process: SidecarProcess; readonly listener: string } | undefined

  /** @param folder - The folder in which the thread creates its socket. */
  constructor(folder: string, options: BindOptions) {
    this.#folder = folder
    this.#options = options
    this.#port = options.port
    this.listenGrant = {
      forward: join(folder, 's'),
      channel: `troupe:place:${randomBytes(channelBytes).toString('base64url')}`,
    }
  }

  /** The port; it stays the same across restarts of the sidecar, also if port 0 was requested. */
  get port(): number {
    return this.#port
  }

  /** The sidecar's id of the listener. */
  get listener(): string | undefined {
    return this.#at?.listener
  }

  /** Makes the sidecar deliver connections here. @throws TroupeError the reason why it does not. */
  async open(process: SidecarProcess, node: string): Promise<void> {
    const { tls = false } = this.#options
    const fields = { node, port: this.#port, tls, forward: this.listenGrant.forward }
    const { listener, port } = await process.request('listen', fields, listening, listenTimeout)
    this.#port = port
    this.#at = { process, listener }
  }

  /** Notifies the accepting thread of its new host name. */
  rename(host: string): void {
    tell(this.listenGrant.channel, { host })
  }

  /** Releases the place, and notifies the accepting thread. */
  async close(why: string): Promise<void> {
    const at = this.#at
    this.#at = undefined
    // Before any wait: an accept that starts later finds no folder.
    const removed = rm(this.#folder, { recursive: true, force: true })
    tell(this.listenGrant.channel, why)
    if (at && !at.process.isOver)
      await at.process.request('close', { listener: at.listener }, done, closeTimeout).catch(() => undefined)
    await removed
  }
}

/** @param news - The reason why the place is gone, or its new address. */
function tell(name: string, news: string | { readonly host: string }): void {
  const channel = new BroadcastChannel(name)
  channel.postMessage(news)
  channel.close()
}
