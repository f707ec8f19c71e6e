/** Message routers of several threads over real ports. Batches move one by one, in the order that a test wants. */
import { emptyFrame, entryId, pid, type Pid, TroupeError, threadOf } from '@troupe/core'
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { Channel } from '../channel/channel.ts'
import type { Envelope } from '../mailbox/message.ts'
import type { DeadEnvelope } from '../mailbox/dead-letter-batch.ts'
import { Links } from '../thread/messaging/links.ts'
import { LocalProcess } from '../thread/process/local-process.ts'
import { PendingStarts } from '../thread/messaging/pending-starts.ts'
import { SignalTable } from '../thread/messaging/signals.ts'
import { MessageRouter } from '../thread/messaging/message-router.ts'

const home = 9
const receiver = pid(home, 1)

function process(id: Pid, queueSize: number, router: () => MessageRouter): LocalProcess {
  return new LocalProcess({
    pid: id,
    runtime: undefined,
    program: { entry: entryId('app:it'), module: 'file:///it.ts', method: 'main' },
    frame: emptyFrame,
    accepts: [],
    queueSize,
    localSpawn: undefined,
    services: {
      answer: () => undefined,
      onRefused: (to, message, error) => {
        router().refused(to, message, error)
      },
      onOverflow: ({ pid }, envelope) => {
        router().overflowed(pid, envelope)
      },
      onFlow: (process, receiveWindow) => {
        router().inbound.reportFlow(process, receiveWindow)
      },
      onUnsent: () => undefined,
    },
  })
}

/** A thread with one process. */
class Site {
  readonly process: LocalProcess
  readonly router: MessageRouter
  readonly #links = new Links({
    thread: home,
    process: () => undefined,
    channel: (thread) => this.channel(thread),
    end: () => undefined,
  })
  readonly #channels = new Map<number, Channel>()
  readonly #signals: SignalTable

  constructor(thread: number, capacity: number, onDead: (envelope: DeadEnvelope) => void) {
    this.process = process(pid(thread, 1), capacity, () => this.router)
    this.router = new MessageRouter({
      thread,
      process: (id) => (id === this.process.pid && !this.process.ended ? this.process : undefined),
      channel: (other) => this.channel(other),
      onDead,
      overlay: () => null,
      onOverrun: () => undefined,
    })
    this.#signals = new SignalTable({
      router: this.router,
      links: this.#links,
      // Here all processes have started.
      isHere: () => true,
      pendingStarts: new PendingStarts(true),
    })
  }

  channel(thread: number): Channel {
    const known = this.#channels.get(thread)
    if (known !== undefined) return known
    const channel = new Channel({
      thread,
      own: threadOf(this.process.pid),
      onLetters: () => undefined,
      onSignal: this.#signals.accept,
      onBreach: () => undefined,
      onClose: () => undefined,
    })
    channel.gate = this.#signals.gate(channel, {
      privileges: { policyEnforced: false },
      network: { isOwn: true, overlay: null },
      authorize: () => undefined,
      identify: () => undefined,
    })
    this.#channels.set(thread, channel)
    return channel
  }
}

export interface Sent {
  readonly from: Pid
  readonly topic: string
  readonly n: number
  /** How `send` or `trySend` settled. */
  how: 'waits' | 'accepted' | 'rejected'
  readonly isTry: boolean
}

export class Scene {
  readonly sent: Sent[] = []
  readonly taken: Envelope[] = []
  readonly dead: DeadEnvelope[] = []
  readonly home: Site
  /** The first is the receiver's own thread. */
  readonly senders: Site[]
  readonly #outer: { readonly near: MessagePort; readonly far: MessagePort }[] = []
  readonly #gone = new Set<Site>()

  constructor(capacity: number, threads: number) {
    const onDead = (envelope: DeadEnvelope) => this.dead.push(envelope)
    this.home = new Site(home, capacity, onDead)
    this.senders = [this.home, ...Array.from({ length: threads }, (_, n) => new Site(n + 1, capacity, onDead))]
    this.senders.forEach((site, thread) => {
      if (thread === 0) return
      const [one, two] = [new MessageChannel(), new MessageChannel()]
      site.channel(home).open(one.port1)
      this.home.channel(thread).open(two.port1)
      this.#outer[thread] = { near: one.port2, far: two.port2 }
    })
  }

  close(): void {
    for (const [thread, outer] of this.#outer.entries()) {
      if (outer === undefined) continue
      this.home.channel(thread).close()
      outer.near.close()
      outer.far.close()
    }
  }

  send(at: number, topic: string, isTry: boolean): void {
    const site = this.#alive(at)
    const sent: Sent = { from: site.process.pid, topic, n: this.sent.length, how: 'waits', isTry }
    this.sent.push(sent)
    const message = { to: receiver, topic, payload: sent.n, frame: emptyFrame, transfer: [] }
    if (isTry) {
      sent.how = site.router.trySend(site.process, message) ? 'accepted' : 'rejected'
      return
    }
    site.router.send(site.process, message).then(
      () => {
        if (sent.how === 'waits') sent.how = 'accepted'
      },
      () => {
        sent.how = 'rejected'
      },
    )
  }

  /** Moves one batch from a thread to the receiver's, or back. */
  move(at: number, forth: boolean): boolean {
    const thread = 1 + (at % (this.senders.length - 1))
    const outer = this.#outer[thread]
    const site = this.senders[thread]
    if (outer === undefined || site === undefined || this.#gone.has(site)) return false
    const next: { readonly message: unknown } | undefined = receiveMessageOnPort(forth ? outer.near : outer.far)
    if (next === undefined) return false
    ;(forth ? outer.far : outer.near).postMessage(next.message)
    ;(forth ? this.home.channel(thread) : site.channel(home)).takeNow()
    return true
  }

  take(topic: string | undefined): boolean {
    const envelope = this.home.process.mailbox.take(topic)
    if (envelope !== undefined) this.taken.push(envelope)
    return envelope !== undefined
  }

  /** A sending thread dies: what it sent and the receiver's thread did not get is lost with it. */
  kill(at: number): void {
    const thread = 1 + (at % (this.senders.length - 1))
    const site = this.senders[thread]
    if (site === undefined || this.#gone.has(site) || this.#gone.size === this.senders.length - 2) return
    this.#gone.add(site)
    this.home.router.threadGone(this.home.channel(thread), new TroupeError('Unavailable', 'the thread is gone'))
    for (const sent of this.sent) if (sent.from === site.process.pid) sent.how = 'rejected'
  }

  end(): void {
    const envelopes = this.home.process.close({ value: 1 })
    this.home.router.processEnded(this.home.process, envelopes)
  }

  /** Moves all that is under way. */
  async settle(): Promise<void> {
    for (let rest = 3; rest > 0; rest -= 1) {
      await turn()
      for (let at = 0; at < this.senders.length - 1; at += 1) {
        while (this.move(at, true)) rest = 3
        while (this.move(at, false)) rest = 3
      }
    }
  }

  #alive(at: number): Site {
    const living = this.senders.filter((site) => !this.#gone.has(site))
    return living[at % living.length] ?? this.home
  }

  isGone(id: Pid): boolean {
    return [...this.#gone].some(({ process }) => process.pid === id)
  }

  /** Messages of living threads that were accepted, and are neither taken nor reported as lost. */
  kept(withTries: boolean): number {
    const accepted = this.sent.filter((sent) => sent.how === 'accepted' && (withTries || !sent.isTry))
    const numbers = new Set(accepted.map(({ n }) => n))
    const taken = this.taken.filter(({ payload }) => numbers.has(Number(payload))).length
    return accepted.length - taken - (withTries ? this.dead.length : 0)
  }
}

export async function turn(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve)
  })
}
