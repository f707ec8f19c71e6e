/** A place of a tailnet node at which a thread accepts connections, as the kernel holds it. */
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { BroadcastChannel } from '../../guard/node/broadcast-channel.ts'
import type { BindOptions } from '../../overlay/overlay.ts'
import { done, listening } from './sidecar-messages.ts'
import type { TailscaleListenGrant } from './route.ts'
import type { SidecarProcess } from './sidecar-process.ts'

/** A certificate may have to be had first. */
const listenTimeout = 90_000
const closeTimeout = 10_000
const channelBytes = 18

export class TailnetListener {
  readonly listenGrant: TailscaleListenGrant
  readonly #folder: string
  readonly #options: BindOptions
  #port: number
  #at: { readonly process: SidecarProcess; readonly listener: string } | undefined

  /** @param folder - In which the thread makes its socket. */
  constructor(folder: string, options: BindOptions) {
    this.#folder = folder
    this.#options = options
    this.#port = options.port
    this.listenGrant = { forward: join(folder, 's'), channel: `troupe:place:${randomBytes(channelBytes).toString('base64url')}` }
  }

  /** The port; the same in all lives of the sidecar, whichever it was at first. */
  get port(): number {
    return this.#port
  }

  /** What the sidecar knows it by. */
  get listener(): string | undefined {
    return this.#at?.listener
  }

  /** Has connections brought here from now on. @throws TroupeError why not. */
  async open(process: SidecarProcess, node: string): Promise<void> {
    const { tls = false } = this.#options
    const fields = { node, port: this.#port, tls, forward: this.listenGrant.forward }
    const { listener, port } = await process.request('listen', fields, listening, listenTimeout)
    this.#port = port
    this.#at = { process, listener }
  }

  /** Tells whoever accepts here by which name it is reached from now on. */
  rename(host: string): void {
    tell(this.listenGrant.channel, { host })
  }

  /** Gives it up, and tells whoever accepts here. */
  async close(why: string): Promise<void> {
    const at = this.#at
    this.#at = undefined
    // Before anything is waited for: who would accept from now on finds no folder.
    const removed = rm(this.#folder, { recursive: true, force: true })
    tell(this.listenGrant.channel, why)
    if (at && !at.process.isOver) await at.process.request('close', { listener: at.listener }, done, closeTimeout).catch(() => undefined)
    await removed
  }
}

/** @param news - Why it is gone, or where it is. */
function tell(name: string, news: string | { readonly host: string }): void {
  const channel = new BroadcastChannel(name)
  channel.postMessage(news)
  channel.close()
}
