/**
 * Forwards what a thread and an operating-system process send each other, no faster than either of them reads. It does
 * not decode any of it.
 */
import type { MessagePort } from 'node:worker_threads'
import { PortReader } from '../../channel/port-reader.ts'
import { addBytes } from '../../protocol/foreign-handles.ts'
import type { ChannelWords } from '../../protocol/kernel-thread.ts'
import { type Declared, extraUnits, peerWindow, Receipt, unitsPerReport } from '../../shared-memory/credit.ts'

export interface PeerRelayOptions {
  readonly port: MessagePort
  readonly words: ChannelWords
  /** Forwards bytes of the thread to the process. */
  readonly forward: (bytes: Uint8Array) => void
  /** Reports to the process how many units the thread has read. */
  readonly onRead: (read: number) => void
  /** The thread broke the protocol. */
  readonly onBreach: (why: string) => void
}

export class PeerRelay {
  readonly port: MessagePort
  readonly #options: PeerRelayOptions
  readonly #reader: PortReader
  /** Written by the thread: the units that it has read. */
  readonly #word: Int32Array<SharedArrayBuffer>
  #posted = 0
  /** What was reported to the process. */
  #reported = 0
  #isWatching = false
  #closed = false

  constructor(options: PeerRelayOptions) {
    const { port, words, forward, onBreach } = options
    this.#options = options
    this.port = port
    this.#word = new Int32Array(words.credit)
    this.#reader = new PortReader(port, {
      receipt: new Receipt(words.receipt),
      window: peerWindow,
      check: faultInBytes,
      take: forward,
      onBreach,
    })
    this.#reader.open()
  }

  /** What the thread sends waits in its port, and then at the thread. */
  pause(): void {
    this.#reader.pause()
  }

  resume(): void {
    this.#reader.resume()
  }

  /** Forwards what has already arrived. */
  takeNow(): void {
    this.#reader.takeNow()
  }

  /** Posts bytes of the process to the thread. Returns false when the process did not wait until there was room. */
  post(bytes: Uint8Array<ArrayBuffer>): boolean {
    const extra = extraUnits(bytes.length, peerWindow)
    this.#posted += 1 + extra
    if (((this.#posted - Atomics.load(this.#word, 0)) | 0) > peerWindow.units) return false
    if (extra > 0) this.port.postMessage({ units: extra } satisfies Declared)
    this.port.postMessage(bytes, [bytes.buffer])
    void this.#watch()
    return true
  }

  close(): void {
    this.#closed = true
    this.#reader.close()
    this.port.close()
    Atomics.notify(this.#word, 0)
  }

  /** Reports to the process what the thread reads, while the process may have to wait for it. */
  async #watch(): Promise<void> {
    if (this.#isWatching) return
    this.#isWatching = true
    while (!this.#closed && ((this.#posted - this.#reported) | 0) >= unitsPerReport(peerWindow)) {
      const read = Atomics.load(this.#word, 0)
      if (read !== this.#reported) {
        this.#reported = read
        this.#options.onRead(read)
      }
      const waiting = Atomics.waitAsync(this.#word, 0, read)
      if (waiting.async) await waiting.value
    }
    this.#isWatching = false
  }
}

function faultInBytes(message: unknown): string | undefined {
  if (!(message instanceof Uint8Array) || message.length === 0) return 'it sent no bytes to a process of its own'
  addBytes(message.buffer.byteLength)
  return undefined
}
