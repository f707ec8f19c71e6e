/** The link's end of a channel between a thread of this node and one of another: bytes in both directions. */
import { Deque } from '@troupe/core'
import { addBytes, Credit, type Declared, extraUnits, peerWindow, PortReader, Receipt } from '@troupe/process/link'
import type { ChannelWords } from '@troupe/process/protocol'
import type { MessagePort } from 'node:worker_threads'

export interface LinkedThreadOptions {
  readonly port: MessagePort
  readonly words: ChannelWords
  /** The thread has sent these bytes. */
  readonly onSignals: (bytes: Uint8Array) => void
  /** So many bytes more, or fewer, wait until the thread reads. */
  readonly onBacklog: (change: number) => void
  /** The thread has closed its end, or has ended: everything that it sent was passed on. */
  readonly onClose: () => void
  readonly onBreach: (why: string) => void
}

export class LinkedThread {
  readonly #options: LinkedThreadOptions
  readonly #reader: PortReader
  readonly #credit: Credit
  readonly #waiting = new Deque<Uint8Array<ArrayBuffer>>()
  #isFlowing = false
  #isFinishing = false
  #isClosed = false

  constructor(options: LinkedThreadOptions) {
    const { port, words, onSignals, onBreach, onClose } = options
    this.#options = options
    this.#credit = new Credit(words.credit, peerWindow.units)
    this.#reader = new PortReader(port, {
      receipt: new Receipt(words.receipt),
      window: peerWindow,
      check: faultInBytes,
      take: onSignals,
      onBreach,
    })
    port.once('close', () => {
      if (this.#isClosed) return
      this.#end()
      onClose()
    })
    this.#reader.open()
  }

  /** What the thread sends waits there. */
  pause(): void {
    this.#reader.pause()
  }

  resume(): void {
    this.#reader.resume()
  }

  /** Posts bytes to the thread, as soon as it has read enough of the earlier ones. */
  post(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#isClosed) return
    if (this.#waiting.size === 0 && this.#tryPost(bytes)) return
    this.#waiting.push(bytes)
    this.#options.onBacklog(bytes.length)
    if (!this.#isFlowing) void this.#flow()
  }

  /** Posts what waits, and closes the port. */
  finish(): void {
    this.#isFinishing = true
    if (this.#waiting.size === 0) this.close()
  }

  close(): void {
    if (this.#isClosed) return
    this.#end()
    this.#options.port.close()
  }

  #end(): void {
    this.#isClosed = true
    this.#reader.close()
    this.#credit.close()
    for (const { length } of this.#waiting.drain()) this.#options.onBacklog(-length)
  }

  async #flow(): Promise<void> {
    this.#isFlowing = true
    while (!this.#isClosed && this.#waiting.size > 0) {
      await this.#credit.more()
      for (let next = this.#waiting.first; next !== undefined && !this.#isClosed; next = this.#waiting.first) {
        const { length } = next
        if (!this.#tryPost(next)) break
        this.#waiting.shift()
        this.#options.onBacklog(-length)
      }
    }
    this.#isFlowing = false
    if (this.#isFinishing) this.close()
  }

  #tryPost(bytes: Uint8Array<ArrayBuffer>): boolean {
    const extra = extraUnits(bytes.length, peerWindow)
    if (!this.#credit.take(extra)) return false
    if (extra > 0) this.#options.port.postMessage({ units: extra } satisfies Declared)
    this.#options.port.postMessage(bytes, [bytes.buffer])
    return true
  }
}

function faultInBytes(message: unknown): string | undefined {
  if (!(message instanceof Uint8Array) || message.length === 0) return 'it sent no bytes to another node'
  addBytes(message.buffer.byteLength)
  return undefined
}
