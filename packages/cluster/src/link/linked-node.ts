/** A node of a cluster: its membership, driven by the connection and the clock. */
import { asTroupeError, type Backoff, backoffDelay, errorToWire, startTimer, stopTimer, type Timer } from '@troupe/core'
import type { Effect, MembershipEvent, Write } from '../membership/effects.ts'
import { Membership } from '../membership/membership.ts'
import { monotonicNow } from '../monotonic.ts'
import type { LinkAccess } from './extension.ts'
import type { LinkReport } from '../protocol.ts'
import type { LinkSettings } from '../settings.ts'
import type { ReadRecord } from './nodes-bucket.ts'
import { nodeSubject } from '../subjects.ts'
import type { NodeLinks } from './node-links.ts'
import { Session } from './session.ts'

const delays: Backoff = { initial: 100, max: 5_000, jitter: 0.2 }
/** Milliseconds without an accepted record after which the connection is checked, at least. */
const leastSilence = 5_000
const leastWatchDelay = 2_000

export interface LinkedNodeOptions {
  readonly settings: LinkSettings
  /** Passes a report to the kernel. */
  readonly report: (report: LinkReport) => Promise<void>
  /** The links to the other nodes. */
  readonly links: NodeLinks
}

export class LinkedNode {
  readonly #options: LinkedNodeOptions
  readonly #membership: Membership
  readonly #left = Promise.withResolvers<void>()
  readonly #listeners: ((connection: object | undefined) => void)[] = []
  #session: Session | undefined
  #events: MembershipEvent[] = []
  #trouble: LinkReport['trouble']
  #timer: Timer | undefined
  #acceptedAt = monotonicNow()
  /** When a renewal was accepted that the watch has not shown yet, and its revision. */
  #unseen: { readonly at: number; readonly revision: number } | undefined
  #isReporting = false
  #isReportDue = false
  #isStopping = false
  #isOver = false

  constructor(options: LinkedNodeOptions) {
    this.#options = options
    this.#membership = new Membership(options.settings)
  }

  /** For packages above this one, which use the same connection. */
  get access(): LinkAccess {
    const { cluster, node, replicas } = this.#options.settings
    return {
      ...{ cluster, node, replicas },
      isMember: () => monotonicNow() < this.#membership.validUntil,
      onConnection: (listener) => {
        this.#listeners.push(listener)
        listener(this.#session?.connection)
      },
    }
  }

  #connectionChanged(connection: object | undefined): void {
    for (const listener of this.#listeners) listener(connection)
  }

  /** Connects, again and again, until it is stopped. */
  async run(): Promise<void> {
    for (let failures = 0; !this.#isStopping; ) {
      try {
        const session = await Session.open({
          settings: this.#options.settings,
          onRecord: (record) => {
            this.#see(record)
          },
          onBytes: (node, bytes) => {
            this.#options.links.receive(node, bytes)
          },
          onConnection: (isConnected) => {
            if (isConnected) this.#connected()
            else this.#options.links.disconnected()
          },
        })
        await using opened = session
        failures = 0
        this.#trouble = undefined
        this.#session = opened
        this.#connectionChanged(opened.connection)
        this.#acceptedAt = monotonicNow()
        this.#connected()
        this.#perform(this.#membership.ready(monotonicNow()))
        await Promise.race([opened.ended, this.#left.promise])
      } catch (error) {
        failures += 1
        this.#trouble = errorToWire(asTroupeError(error))
      }
      this.#session = undefined
      this.#options.links.disconnected()
      this.#connectionChanged(undefined)
      if (this.#isStopping) return
      this.#report()
      const delay = Promise.withResolvers<void>()
      const timer = startTimer(delay.resolve, backoffDelay(delays, failures))
      await Promise.race([delay.promise, this.#left.promise])
      stopTimer(timer)
    }
  }

  /** Leaves the cluster: with a record, if the servers accept it within `patience` milliseconds. */
  async stop(patience: number): Promise<void> {
    this.#isStopping = true
    this.#perform(this.#membership.stop(monotonicNow()))
    const timer = startTimer(this.#left.resolve, this.#session === undefined ? 0 : patience)
    await this.#left.promise
    stopTimer(timer)
    stopTimer(this.#timer)
    this.#isOver = true
    await this.#send()
  }

  #connected(): void {
    const session = this.#session
    if (session === undefined) return
    const { cluster, node: own } = this.#options.settings
    this.#options.links.connected({
      largestBatch: session.largestMessage,
      publish: (node, bytes) => {
        session.publish(nodeSubject(cluster, node, own), bytes)
      },
    })
  }

  #see({ node, revision, record }: ReadRecord): void {
    if (this.#unseen !== undefined && node === this.#options.settings.node && revision >= this.#unseen.revision)
      this.#unseen = undefined
    this.#perform(this.#membership.see(node, revision, record, monotonicNow()))
  }

  #perform(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.type === 'event') this.#events.push(effect.event)
      else if (effect.type === 'write') void this.#write(effect.write)
      else void this.#read(effect.node)
    }
    if (this.#membership.phase === 'left') this.#left.resolve()
    const { phase, incarnation } = this.#membership
    if (effects.length > 0)
      this.#options.links.members(this.#membership.living(), phase === 'left' ? undefined : incarnation)
    if (effects.some(({ type }) => type === 'event')) this.#report()
    this.#schedule()
  }

  #schedule(): void {
    stopTimer(this.#timer)
    if (this.#isOver) return
    const due = this.#membership.due(monotonicNow())
    this.#timer = startTimer(
      () => {
        this.#lookAfter()
        this.#perform(this.#membership.tick(monotonicNow()))
      },
      Math.max(1, due - monotonicNow()),
    )
  }

  async #write(write: Write): Promise<void> {
    const { bucket } = this.#session ?? {}
    try {
      if (bucket === undefined) {
        this.#membership.failed(write.id)
        return
      }
      const revision = await bucket.write(write)
      if (revision === undefined) {
        this.#perform(this.#membership.refused(write.id))
        return
      }
      this.#acceptedAt = monotonicNow()
      if (write.purpose === 'renewal') this.#unseen ??= { at: this.#acceptedAt, revision }
      this.#perform(this.#membership.accepted(write.id, revision, this.#acceptedAt))
      this.#report()
    } catch {
      this.#membership.failed(write.id)
    }
  }

  async #read(node: string): Promise<void> {
    const record = await this.#session?.bucket.read(node).catch(() => undefined)
    if (record !== undefined) this.#perform(this.#membership.see(node, record.revision, record.record, monotonicNow()))
  }

  /** Checks the connection and the watch where they seem to work, and do not. */
  #lookAfter(): void {
    const { lease } = this.#options.settings
    const now = monotonicNow()
    if (now - this.#acceptedAt > Math.max(leastSilence, lease * 2)) void this.#session?.check()
    if (this.#unseen === undefined || now - this.#unseen.at < Math.max(leastWatchDelay, lease)) return
    this.#unseen = undefined
    this.#session?.renewWatch()
  }

  /** One report at a time; what happens meanwhile is in the next one. */
  #report(): void {
    this.#isReportDue = true
    if (this.#isReporting) return
    this.#isReporting = true
    void this.#sendAll()
  }

  async #sendAll(): Promise<void> {
    while (this.#isReportDue) {
      this.#isReportDue = false
      await this.#send()
    }
    this.#isReporting = false
  }

  async #send(): Promise<void> {
    const events = this.#events
    this.#events = []
    const { phase, incarnation, validUntil } = this.#membership
    const session = this.#session
    await this.#options
      .report({
        phase: session === undefined && phase === 'joining' ? 'connecting' : phase,
        ...(incarnation !== undefined && { incarnation }),
        validUntil,
        living: this.#membership.living(),
        events,
        ...(session && { server: session.server }),
        ...(this.#trouble && { trouble: this.#trouble }),
      })
      .catch(() => undefined)
  }
}
