/** What this node and another one send each other, as long as both live: the channels between their threads. */
import { errorToWire, startTimer, stopTimer, type Timer, TroupeError, type WireError } from '@troupe/core'
import type { LinkMessages, ReportedNode, ThreadPair } from '../protocol.ts'
import { decodeItems, encodeItems, type NodeItem } from '../transport/items.ts'
import { NodeSession, type SessionEffect } from '../transport/node-session.ts'
import { LinkedThread } from './linked-thread.ts'

export interface NodeLinkOptions {
  readonly node: ReportedNode
  /** Identifies the two incarnations: 48 bits. */
  readonly pair: bigint
  readonly maxMessage: number
  /** Bytes that the servers accept as one message. */
  readonly largestBatch: number
  readonly now: () => number
  readonly publish: (bytes: Uint8Array) => void
  readonly onWanted: (pair: ThreadPair, overlay: NodeOpen['overlay']) => void
  readonly onClosed: (pair: ThreadPair, error: WireError) => void
  readonly onMalformed: (why: string, count: number) => void
}

type NodeOpen = Extract<NodeItem, { readonly op: 'open' }>

const window = 4 << 20
const headerRoom = 64
/** Bytes of a body from which it is sent at once. */
const fullBody = 256 << 10
/** Bytes that may wait for threads here, before the other node has to wait. */
const mostBacklog = 16 << 20
const ended = errorToWire(new TroupeError('Unavailable', 'its thread has ended'))

export class NodeLink {
  readonly #options: NodeLinkOptions
  readonly #session: NodeSession
  readonly #threads = new Map<string, LinkedThread>()
  #items: NodeItem[] = []
  #itemBytes = 0
  #isScheduled = false
  #isPaused = false
  #isHeld = false
  #backlog = 0
  #malformed = 0
  #timer: Timer | undefined
  #timerAt = Infinity

  constructor(options: NodeLinkOptions) {
    this.#options = options
    const { pair, maxMessage, largestBatch } = options
    this.#session = new NodeSession({
      pair,
      window,
      largestPart: largestBatch - headerRoom,
      largestBody: maxMessage * 2 + window,
    })
    // What the other node has sent before this node knew it.
    this.reconnected()
  }

  /** The kernel has opened a channel to a thread here. */
  opened({ near, far, overlay, port, words }: LinkMessages['pairOpened']): void {
    const key = keyOf(near, far)
    const thread = new LinkedThread({
      port,
      words,
      onSignals: (bytes) => {
        this.#put({ op: 'signals', from: near, to: far, bytes }, bytes.length)
      },
      onBacklog: (change) => {
        this.#backlog += change
        this.#holdOrFree()
      },
      onClose: () => {
        this.#closed(near, far, ended)
      },
      onBreach: (why) => {
        this.#closed(near, far, errorToWire(new TroupeError('Unavailable', `its thread broke the protocol: ${why}`)))
      },
    })
    this.#threads.get(key)?.close()
    this.#threads.set(key, thread)
    if (this.#isPaused) thread.pause()
    this.#put({ op: 'open', from: near, to: far, overlay })
  }

  /** A thread here cannot be reached by one there. */
  refused({ near, far, error }: LinkMessages['pairRefused']): void {
    this.#threads.get(keyOf(near, far))?.close()
    this.#threads.delete(keyOf(near, far))
    this.#put({ op: 'close', from: near, to: far, error })
  }

  /** A thread here received what breaks the protocol: the other node is to blame. */
  broken({ why }: LinkMessages['pairBroken']): void {
    this.#perform(this.#session.malformed(why, this.#options.now()))
  }

  /** Bytes arrived from the other node. */
  receive(bytes: Uint8Array): void {
    this.#perform(this.#session.receive(bytes, this.#options.now()))
  }

  disconnected(): void {
    this.#session.disconnected()
    this.#schedule()
  }

  reconnected(): void {
    this.#perform(this.#session.reconnected(this.#options.now()))
  }

  /** Nothing more is exchanged: the threads here learn it after all that had arrived for them. */
  end(error: TroupeError): void {
    stopTimer(this.#timer)
    this.#timerAt = -Infinity
    this.#session.disconnected()
    this.#closeAll(error)
  }

  #put(item: NodeItem, bytes = 0): void {
    this.#items.push(item)
    this.#itemBytes += bytes
    if (this.#itemBytes >= fullBody) this.#flush()
    else if (!this.#isScheduled) {
      this.#isScheduled = true
      setImmediate(this.#flush)
    }
  }

  readonly #flush = (): void => {
    this.#isScheduled = false
    const items = this.#items
    if (items.length === 0) return
    this.#items = []
    this.#itemBytes = 0
    this.#perform(this.#session.put(encodeItems(items), this.#options.now()))
  }

  #perform(effects: readonly SessionEffect[]): void {
    for (const effect of effects) {
      if (effect.type === 'publish') this.#options.publish(effect.bytes)
      else if (effect.type === 'body') this.#take(effect.body)
      else this.#reset(effect.why, effect.byOther)
    }
    this.#pauseOrResume()
    this.#schedule()
  }

  #take(body: Uint8Array): void {
    const items = decodeItems(body)
    if (typeof items === 'string') {
      this.#perform(this.#session.malformed(items, this.#options.now()))
      return
    }
    for (const item of items) this.#takeItem(item)
  }

  #takeItem(item: NodeItem): void {
    const { node } = this.#options
    const [near, far] = [item.to, item.from]
    const thread = this.#threads.get(keyOf(near, far))
    if (item.op === 'open') this.#options.onWanted({ ...node, near, far }, item.overlay)
    // Signals for a channel that was closed here are dropped.
    else if (item.op === 'signals') thread?.post(item.bytes.slice())
    else {
      this.#threads.delete(keyOf(near, far))
      thread?.finish()
      this.#options.onClosed({ ...node, near, far }, item.error)
    }
  }

  #closed(near: number, far: number, error: WireError): void {
    if (!this.#threads.delete(keyOf(near, far))) return
    this.#put({ op: 'close', from: near, to: far, error })
    this.#options.onClosed({ ...this.#options.node, near, far }, error)
  }

  #reset(why: string, byOther: boolean): void {
    const { node, incarnation } = this.#options.node
    if (!byOther) {
      this.#malformed += 1
      this.#options.onMalformed(why, this.#malformed)
    }
    const details = { code: 'sessionreset', node, incarnation }
    this.#closeAll(new TroupeError('Unavailable', `the session with node ${node} was reset: ${why}`, { details }))
  }

  #closeAll(error: TroupeError): void {
    this.#items = []
    this.#itemBytes = 0
    const wire = errorToWire(error)
    for (const [key, thread] of [...this.#threads]) {
      this.#threads.delete(key)
      thread.finish()
      const [near = 0, far = 0] = key.split(' ').map(Number)
      this.#options.onClosed({ ...this.#options.node, near, far }, wire)
    }
  }

  /** While the window is full, the threads here keep what they send. */
  #pauseOrResume(): void {
    const { isFull } = this.#session
    if (isFull === this.#isPaused) return
    this.#isPaused = isFull
    for (const thread of this.#threads.values()) {
      if (isFull) thread.pause()
      else thread.resume()
    }
  }

  /** While threads here do not read, the other node's window fills. */
  #holdOrFree(): void {
    const isHeld = this.#backlog > (this.#isHeld ? mostBacklog / 2 : mostBacklog)
    if (isHeld === this.#isHeld) return
    this.#isHeld = isHeld
    this.#perform(this.#session.hold(isHeld, this.#options.now()))
  }

  #schedule(): void {
    const { due } = this.#session
    if (due >= this.#timerAt) return
    stopTimer(this.#timer)
    this.#timer = undefined
    this.#timerAt = due
    if (due === Infinity) return
    this.#timer = startTimer(
      () => {
        this.#timerAt = Infinity
        this.#perform(this.#session.tick(this.#options.now()))
      },
      Math.max(0, due - this.#options.now()),
    )
  }
}

function keyOf(near: number, far: number): string {
  return `${near} ${far}`
}
