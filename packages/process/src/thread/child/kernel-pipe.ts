/**
 * The two pipes between this process and the kernel, and the channels on them. Everything used here is read from Node
 * before code of the application could replace it.
 */
import { EventEmitter } from 'node:events'
import { writevSync } from 'node:fs'
import { Socket } from 'node:net'
import { errorToWire, invalid } from '@troupe/core'
import { decode, encode, encodeWithin } from '../../pipe/codec.ts'
import { channelOf, frameHeader, FrameReader, kernelChannel, threadOfChannel } from '../../pipe/frames.ts'
import type { PeerPort } from '../../mailbox/peer-port.ts'
import type { PeerRead } from '../../pipe/messages.ts'
import type { ToThread } from '../../protocol/kernel-thread.ts'
import { checkPlain } from '../../protocol/network-crossing.ts'
import { peerWindow } from '../../shared-memory/credit.ts'
import { PipeCredit } from './pipe-credit.ts'

/** Fixed by the launcher (`packages/tsnet/launcher`). */
const downFd = 4
const upFd = 5
/** Maximum number of bytes that are collected before they are written. */
const maxGathered = 256 << 10

type Send = (channel: number, payload: Uint8Array) => void

/** The process's end of its connection to the kernel. */
export class KernelPipe extends EventEmitter {
  readonly #down: Socket
  readonly #ports = new Map<number, PeerPipe>()
  readonly #reader = new FrameReader((channel, payload) => {
    this.#receive(channel, payload)
    return true
  })
  #gathered: Uint8Array[] = []
  #size = 0
  readonly #first = Promise.withResolvers<unknown>()
  #isStarted = false
  /** Messages that arrived before a listener was added. */
  #early: { readonly channel: number; readonly payload: Uint8Array }[] | undefined = []
  /** Processes a message before it is delivered. */
  #received: (message: object) => unknown = (message) => message

  constructor() {
    super()
    this.#down = new Socket({ fd: downFd, readable: true, writable: false })
    this.#down.on('data', (chunk: Uint8Array) => {
      this.#reader.push(chunk)
    })
    // The kernel has ended: nothing is left to do in this process.
    this.#down.on('error', leave).on('end', leave)
    process.on('exit', this.flush)
  }

  /** Returns the first message, which contains the start data. Later ones wait for a listener. */
  first(): Promise<unknown> {
    return this.#first.promise
  }

  /** Passes every message through `received`, and delivers those that have already arrived. */
  open(received: (message: object) => unknown): void {
    this.#received = received
    const early = this.#early ?? []
    this.#early = undefined
    for (const { channel, payload } of early) this.#take(channel, payload)
  }

  postMessage(message: object): void {
    this.#send(kernelChannel, encodeForKernel(message))
  }

  ref(): void {
    this.#down.ref()
  }

  unref(): void {
    this.#down.unref()
  }

  close(): void {
    this.flush()
    for (const port of this.#ports.values()) port.end()
    this.#ports.clear()
    this.emit('close')
  }

  /** Writes what was sent so far. Blocks if the kernel has not read enough. */
  readonly flush = (): void => {
    let bytes = this.#gathered
    if (bytes.length === 0) return
    this.#gathered = []
    this.#size = 0
    while (bytes.length > 0) bytes = after(bytes, writevSync(upFd, bytes))
  }

  readonly #send: Send = (channel, payload) => {
    if (this.#gathered.length === 0) process.nextTick(this.flush)
    this.#gathered.push(frameHeader(channel, payload.length))
    if (payload.length > 0) this.#gathered.push(payload)
    this.#size += payload.length
    if (this.#size > maxGathered) this.flush()
  }

  #receive(channel: number, payload: Uint8Array): void {
    if (!this.#isStarted) {
      this.#isStarted = true
      this.#first.resolve(decode(payload))
    } else if (this.#early === undefined) this.#take(channel, payload)
    else this.#early.push({ channel, payload })
  }

  #take(channel: number, payload: Uint8Array): void {
    if (channel === kernelChannel) {
      this.#deliver(decode(payload))
      return
    }
    const thread = threadOfChannel(channel)
    const port = this.#ports.get(thread)
    if (payload.length > 0) port?.take(payload)
    else {
      this.#ports.delete(thread)
      port?.end()
    }
  }

  #deliver(message: unknown): void {
    if (!isMessage(message)) return
    if (isRead(message)) {
      this.#ports.get(message.thread)?.credit.report(message.read)
      return
    }
    const received = this.#received(isIntroduction(message) ? this.#introduced(message) : message)
    if (received !== undefined) this.emit('message', received)
  }

  /** The kernel keeps the port itself: its substitute in this process sends through this pipe. */
  #introduced(message: ToThread & { readonly type: 'channel' }): object {
    const { thread } = message
    const port = new PeerPipe(thread, this.#send, () => {
      this.#ports.delete(thread)
    })
    this.#ports.set(thread, port)
    return { ...message, port }
  }
}

/** Represents the port to another thread. */
class PeerPipe extends EventEmitter implements PeerPort {
  readonly credit = new PipeCredit(peerWindow.units)
  readonly #channel: number
  readonly #send: Send
  readonly #onClose: () => void
  #ended = false

  constructor(thread: number, send: Send, onClose: () => void) {
    super()
    this.#channel = channelOf(thread)
    this.#send = send
    this.#onClose = onClose
  }

  /** Declarations are for the kernel, which counts by itself here. */
  postMessage(bytes: object): void {
    if (!this.#ended && bytes instanceof Uint8Array) this.#send(this.#channel, bytes)
  }

  take(bytes: Uint8Array): void {
    this.emit('message', bytes)
  }

  ref(): void {}

  unref(): void {}

  /** Closes the port from this side. */
  close(): void {
    if (this.#ended) return
    this.#send(this.#channel, new Uint8Array())
    this.#onClose()
    this.end()
  }

  /** The port was closed from the other side. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.credit.close()
    this.emit('close')
  }
}

function leave(): never {
  process.exit()
}

function isRead(message: ToThread | PeerRead): message is PeerRead {
  return message.type === 'peerRead'
}

function isMessage(message: unknown): message is ToThread | PeerRead {
  return typeof message === 'object' && message !== null && 'type' in message
}

function isIntroduction(message: ToThread): message is ToThread & { readonly type: 'channel' } {
  return message.type === 'channel'
}

/** Returns the rest of `bytes` after the first `written` of them. */
function after(bytes: readonly Uint8Array[], written: number): Uint8Array[] {
  let left = written
  for (const [index, { length }] of bytes.entries()) {
    if (left < length) return [bytes[index]?.subarray(left) ?? new Uint8Array(), ...bytes.slice(index + 1)]
    left -= length
  }
  return []
}

/**
 * The kernel refuses what costs it too much, and cannot receive everything: such a result is replaced by an error, and
 * such a request is not sent.
 */
function encodeForKernel(message: object): Uint8Array {
  try {
    if ('exit' in message) checkPlain(message.exit, 'result')
    else if ('ask' in message) checkPlain(message.ask, 'ask')
    return encodeWithin(message)
  } catch (cause) {
    if (!('type' in message) || message.type !== 'finished') throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    const error = invalid(`its result does not cross to the kernel: ${reason}. Send it in messages, or as bytes`)
    return encode({ ...message, exit: { error: errorToWire(error) } })
  }
}
