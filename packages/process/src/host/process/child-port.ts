/**
 * The kernel's end of an operating-system process. For the kernel it is a connection like that of a thread; for other
 * threads it is the far end of their ports. It forwards what threads send to each other without decoding it.
 */
import { EventEmitter } from 'node:events'
import { MessagePort, type Transferable } from 'node:worker_threads'
import type { Readable, Writable } from 'node:stream'
import { invalid } from '@troupe/core'
import { decodeWithin, encode } from '../../pipe/codec.ts'
import { channelOf, frameHeader, FrameReader, kernelChannel, type OnFrame, threadOfChannel } from '../../pipe/frames.ts'
import type { PeerRead } from '../../pipe/messages.ts'
import type { ToThread } from '../../protocol/kernel-thread.ts'
import { PeerRelay } from './peer-relay.ts'

/** Bytes that wait for a process, beyond which nothing more of other threads is forwarded to it. */
const mostForwarded = 16 << 20
/** Bytes that may wait for a process which does not read them: mostly of the kernel itself. */
const maxWaiting = 256 << 20
/** Milliseconds per turn in which frames are processed; the rest waits for the next turn. */
const slice = 10
/** Number of frames between two readings of the clock. */
const framesPerLook = 64

export interface ChildPortOptions {
  /** Passes a connection to the process, and returns the number by which the process knows it. */
  readonly pass: (handle: object) => number
  /** The process broke the protocol and must be ended. */
  readonly onViolation: (what: string) => void
  /** A thread broke the protocol in what it sent to the process. */
  readonly onPeerBreach: (thread: number, why: string) => void
}

type Introduction = Extract<ToThread, { type: 'channel' }>

export class ChildPort extends EventEmitter {
  readonly #options: ChildPortOptions
  readonly #relays = new Map<number, PeerRelay>()
  #waiting: Uint8Array[] | undefined = []
  #down: Writable | undefined
  #corked = false
  /** Nothing more of other threads is forwarded. */
  #isFull = true
  #ended = false
  readonly #reader = new FrameReader((channel, payload) => this.#takeFrame(channel, payload))
  #rest: { readonly chunk: Uint8Array; readonly at: number } | undefined
  #sliceEnd = 0
  #taken = 0

  constructor(options: ChildPortOptions) {
    super()
    this.#options = options
  }

  /** Attaches the pipes and sends what was posted before. */
  attach(down: Writable, up: Readable): void {
    this.#down = down
    down.on('error', () => undefined)
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    for (const bytes of waiting) this.#write(bytes)
    down.on('drain', this.#drained)
    this.#drained()
    up.on('error', () => undefined)
    up.on('data', (chunk: Uint8Array) => {
      this.#read(up, chunk, 0)
    })
    up.on('close', () => {
      this.#finish()
    })
  }

  postMessage(message: ToThread | object, transfer: readonly (Transferable | object)[] = []): void {
    if (this.#ended) {
      // Nothing else would close a connection that was opened for it in the meantime.
      for (const handle of transfer) closeHandle(handle)
      return
    }
    if (isIntroduction(message)) this.#introduce(message)
    else this.#send(kernelChannel, encode(this.#passing(message, transfer)))
  }

  /** It never keeps the event loop alive by itself. */
  ref(): void {}

  unref(): void {}

  /** Stops sending and receiving, and closes all ports. */
  close(): void {
    if (this.#ended) return
    this.#ended = true
    this.#waiting = []
    for (const relay of this.#relays.values()) relay.close()
    this.#relays.clear()
    this.emit('close')
    this.removeAllListeners()
  }

  #introduce({ port, words, ...message }: Introduction): void {
    const { thread } = message
    this.#send(kernelChannel, encode(message))
    if (words === undefined) throw new Error('a channel to a process of its own has no words')
    const relay = new PeerRelay({
      port,
      words,
      forward: (bytes) => {
        this.#send(channelOf(thread), bytes)
      },
      onRead: (read) => {
        this.#send(kernelChannel, encode({ type: 'peerRead', thread, read } satisfies PeerRead))
      },
      onBreach: (why) => {
        relay.close()
        this.#options.onPeerBreach(thread, why)
      },
    })
    if (this.#isFull) relay.pause()
    this.#relays.set(thread, relay)
    port.on('close', () => {
      if (this.#relays.get(thread) !== relay) return
      this.#relays.delete(thread)
      this.#send(channelOf(thread), new Uint8Array())
    })
    port.unref()
  }

  /** What other threads posted to the process before an order of the kernel arrives before that order. */
  #passing(message: ToThread | object, transfer: readonly (Transferable | object)[]): object {
    if ('type' in message && (message.type === 'kill' || message.type === 'cancel')) this.#forwardAll()
    if (transfer.length === 0) return message
    const [handle, ...more] = transfer
    if (
      handle === undefined ||
      more.length > 0 ||
      transfer.some((item) => item instanceof MessagePort || !('value' in message))
    ) {
      throw invalid('a port does not cross to a process of its own')
    }
    const value: unknown = Reflect.get(message, 'value')
    return {
      ...message,
      value: { ...(typeof value === 'object' ? value : {}), handle: { passed: this.#options.pass(handle) } },
    }
  }

  #forwardAll(): void {
    for (const relay of this.#relays.values()) relay.takeNow()
  }

  #send(channel: number, payload: Uint8Array): void {
    if (this.#ended) return
    this.#write(frameHeader(channel, payload.length))
    if (payload.length > 0) this.#write(payload)
  }

  #write(bytes: Uint8Array): void {
    const down = this.#down
    if (down === undefined) {
      this.#waiting?.push(bytes)
      return
    }
    if (!this.#corked) {
      this.#corked = true
      down.cork()
      process.nextTick(this.#uncork)
    }
    down.write(bytes)
    if (!this.#isFull && down.writableLength > mostForwarded) {
      this.#isFull = true
      for (const relay of this.#relays.values()) relay.pause()
    }
    if (down.writableLength > maxWaiting)
      this.#violated(`does not read what it is sent: ${down.writableLength} bytes wait`)
  }

  readonly #drained = (): void => {
    this.#isFull = false
    for (const relay of this.#relays.values()) relay.resume()
  }

  readonly #uncork = (): void => {
    this.#corked = false
    this.#down?.uncork()
  }

  /**
   * Processes frames for a slice of time, and the rest in the next turn, so that no process monopolises the kernel's
   * event loop.
   */
  #read(up: Readable, chunk: Uint8Array, from: number): void {
    if (this.#ended) return
    this.#sliceEnd = performance.now() + slice
    const at = this.#push(chunk, from)
    if (at >= chunk.length) return
    up.pause()
    this.#rest = { chunk, at }
    setImmediate(() => {
      if (this.#rest === undefined) return
      this.#rest = undefined
      up.resume()
      this.#read(up, chunk, at)
    })
  }

  #push(chunk: Uint8Array, from: number): number {
    try {
      return this.#reader.push(chunk, from)
    } catch (error) {
      this.#violated(error instanceof Error ? error.message : String(error))
      return chunk.length
    }
  }

  /** The process has closed its end. Frames that it sent before are processed first. */
  #finish(): void {
    const rest = this.#rest
    this.#rest = undefined
    this.#sliceEnd = Number.POSITIVE_INFINITY
    if (rest !== undefined && !this.#ended) this.#push(rest.chunk, rest.at)
    this.close()
  }

  readonly #takeFrame: OnFrame = (channel, payload) => {
    this.#take(channel, payload)
    this.#taken += 1
    return this.#taken % framesPerLook !== 0 || performance.now() < this.#sliceEnd
  }

  #take(channel: number, payload: Uint8Array<ArrayBuffer>): void {
    if (this.#ended) return
    if (channel === kernelChannel) {
      this.#tellKernel(payload)
      return
    }
    const thread = threadOfChannel(channel)
    const relay = this.#relays.get(thread)
    // The other thread may have ended in the meantime.
    if (relay === undefined) return
    if (payload.length === 0) {
      this.#relays.delete(thread)
      relay.close()
    } else if (!relay.post(payload))
      this.#violated(`sent more to thread ${thread} than that thread reads, and did not wait`)
  }

  #tellKernel(payload: Uint8Array): void {
    let message: unknown
    try {
      message = decodeWithin(payload)
    } catch (error) {
      this.#violated(`sent an invalid message: ${error instanceof Error ? error.message : String(error)}`)
      return
    }
    if (typeof message === 'object' && message !== null && 'type' in message) this.emit('message', message)
    else this.#violated('sent an invalid message')
  }

  #violated(what: string): void {
    if (this.#ended) return
    this.close()
    this.#options.onViolation(what)
  }
}

function isIntroduction(message: object): message is Introduction {
  return 'type' in message && message.type === 'channel'
}

/** Closes a native handle, or a port. */
export function closeHandle(handle: object): void {
  const close: unknown = Reflect.get(handle, 'close')
  if (typeof close === 'function') Reflect.apply(close, handle, [])
}
