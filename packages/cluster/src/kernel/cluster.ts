/** This node, as the kernel sees it: it starts the link, and knows who is a member. */
import { join } from 'node:path'
import {
  type Backoff,
  backoffDelay,
  emptyFrame,
  entryId,
  type EntryId,
  errorFromWire,
  fork,
  type Log,
  type LogLevel,
  settledWithin,
  startTimer,
  stopTimer,
  threadOf,
  type Timer,
  TroupeError,
} from '@troupe/core'
import { type Kernel, startProcess } from '@troupe/process/kernel'
import { monotonicNow } from '../monotonic.ts'
import type { LinkReport, NodeEvent } from '../protocol.ts'
import { clusterRequests } from '../request-rules.ts'
import { linkMethod } from '../settings.ts'
import { type ClusterEvent, type ClusterState, type ClusterView, nodeChannel } from './cluster-view.ts'
import { EmbeddedServer } from './embedded-server.ts'
import { type ClusterConfig, linkSettings } from './link-settings.ts'
import { NodePolicy } from './node-policy.ts'
import { RemotePeers } from './remote-peers.ts'

const module = new URL(`../link/main${import.meta.filename.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url).href
const id = entryId('troupe:cluster')
const host = { isolation: 'thread', spares: 0, queueSize: 1024 } as const
const delays: Backoff = { initial: 500, max: 10_000, jitter: 0.2 }
/** Milliseconds that the start of the application waits, at least, until the node has joined. */
const leastPatience = 10_000
/** Milliseconds that the link may take to leave and end, beyond the lease. */
const endTime = 5_000

type Link = ReturnType<typeof startProcess>

export interface ClusterOptions {
  readonly kernel: Kernel
  readonly config: ClusterConfig
  /** The overlay of the connection; `null`: the clear network. */
  readonly network: EntryId | null
  /** Folder of the files of an embedded server. */
  readonly stateDir: string
  /** Modules of packages above this one that use the connection of the link. @default none */
  readonly extensions?: readonly string[]
  readonly log: Log
}

export class Cluster implements AsyncDisposable {
  readonly #options: ClusterOptions
  readonly #log: Log
  readonly #joined = Promise.withResolvers<void>()
  #server: EmbeddedServer | undefined
  #link: Link | undefined
  #report: LinkReport | undefined
  readonly #since = new Map<string, number>()
  readonly #peers: RemotePeers
  #stateSince = { state: 'connecting', at: Date.now() }
  #trouble: TroupeError | undefined
  #lapse: Timer | undefined
  #retry: Timer | undefined
  #failures = 0
  #hasJoined = false
  #isLapsed = false
  #isStopping = false

  private constructor(options: ClusterOptions) {
    this.#options = options
    this.#log = options.log
    // Its start may have ended already.
    this.#joined.promise.catch(() => undefined)
    options.kernel.handle('clusterReport', clusterRequests.clusterReport, (report, { record }) => {
      if (record.pid === this.#link?.pid) this.#take(report)
    })
    this.#peers = new RemotePeers({
      kernel: options.kernel,
      policy: new NodePolicy(options.kernel, options.config),
      node: options.config.node,
      maxMessage: options.config.maxMessage,
      link: () => this.#link && options.kernel.threads.get(threadOf(this.#link.pid)),
      living: () => this.#report?.living ?? [],
    })
    this.#peers.handle(
      (pid) => pid === this.#link?.pid,
      (line) => this.#note(line, 'error'),
    )
  }

  /**
   * Joins the cluster. Resolves when this node has joined, or when the servers could not be used for a while: then it
   * joins later.
   *
   * @throws TroupeError, final: `AlreadyExists` when a living node has this name; `Invalid` and `PermissionDenied` for
   *   what waiting does not change.
   */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const cluster = new Cluster(options)
    const { config, stateDir } = options
    try {
      if (config.servers === 'embedded') cluster.#server = await EmbeddedServer.start(join(stateDir, 'nats'))
      void cluster.#server?.ended.then((words) => {
        if (!cluster.#isStopping) cluster.#note(`the embedded server has ended: ${words}`, 'error')
      })
      cluster.#startLink()
      await settledWithin(cluster.#joined.promise, Math.max(leastPatience, config.lease * 3))
      if (!cluster.#hasJoined) cluster.#note('this node has not joined yet, and tries again', 'warn')
      return cluster
    } catch (error) {
      await cluster[Symbol.asyncDispose]()
      throw error
    }
  }

  get view(): ClusterView {
    const { name, node } = this.#options.config
    const { incarnation, living = [], server } = this.#report ?? {}
    return {
      name,
      node,
      ...this.#stateNow(),
      ...(incarnation !== undefined && { incarnation }),
      nodes: living.map((each) => ({ ...each, since: this.#since.get(each.node) ?? Date.now() })),
      ...(server && { server }),
      ...(this.#trouble && { trouble: this.#trouble }),
    }
  }

  /** Leaves the cluster, with a record for the others, and ends the link and the embedded server. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true
    stopTimer(this.#lapse)
    stopTimer(this.#retry)
    const hurry = new AbortController()
    const timer = startTimer(() => hurry.abort(), this.#options.config.lease + endTime)
    await this.#link?.stop(hurry.signal)
    stopTimer(timer)
    await this.#server?.[Symbol.asyncDispose]()
  }

  get #state(): ClusterState {
    if (this.#link === undefined || this.#report === undefined) return this.#isStopping ? 'stopped' : 'connecting'
    const { phase, validUntil } = this.#report
    if (phase === 'leaving' || phase === 'left') return 'stopped'
    return phase === 'member' && monotonicNow() >= validUntil ? 'lapsed' : phase
  }

  #stateNow(): Pick<ClusterView, 'state' | 'since'> {
    const state = this.#state
    if (state !== this.#stateSince.state) this.#stateSince = { state, at: Date.now() }
    return { state, since: this.#stateSince.at }
  }

  #startLink(): void {
    const { kernel, config, network, extensions = [] } = this.#options
    if (!kernel.hosts.has(id)) kernel.hosts.add(kernel.hosts.create(id, host))
    // The link runs no code of the application: like the kernel, it needs no policy to connect.
    const frame = fork(emptyFrame, { overlay: network })
    kernel.security.trust(frame)
    const link = startProcess(kernel, {
      entry: id,
      program: { entry: id, module, method: linkMethod },
      host: id,
      args: [linkSettings(config, network !== null, this.#server), extensions],
      frame,
      // It runs no code of the application for incoming messages.
      accepts: 'any',
      role: 'link',
    })
    this.#link = link
    void link.ended.then((exit) => {
      this.#linkEnded(link, 'error' in exit ? exit.error : undefined)
    })
  }

  /** A new link is a new incarnation: it joins when the record of the former one has lapsed. */
  #linkEnded(link: Link, error: unknown): void {
    if (this.#link !== link) return
    this.#link = undefined
    this.#report = undefined
    this.#peers.linkEnded()
    if (this.#isStopping) return
    this.#failures += 1
    this.#log('the link of the cluster has ended, and is started again', { level: 'error', entry: id, error })
    this.#retry = startTimer(
      () => {
        try {
          this.#startLink()
        } catch (cause) {
          this.#log('the link of the cluster cannot be started', { level: 'error', entry: id, error: cause })
        }
      },
      backoffDelay(delays, this.#failures),
    )
  }

  #take(report: LinkReport): void {
    this.#report = report
    this.#stateNow()
    const trouble = report.trouble && errorFromWire(report.trouble)
    if (trouble !== undefined && trouble.message !== this.#trouble?.message) this.#takeTrouble(trouble)
    this.#trouble = trouble
    for (const event of report.events) this.#takeEvent(event)
    this.#watchLapse(report)
  }

  #takeTrouble(trouble: TroupeError): void {
    if (!this.#hasJoined && trouble.final) this.#joined.reject(trouble)
    else this.#note(trouble.message, 'warn')
  }

  #takeEvent({ type, node, incarnation, by }: NodeEvent): void {
    const { config } = this.#options
    const isOwn = node === config.node
    if (type === 'taken') {
      const message = `cluster.node: a living node of ${config.name} has the name ${node} (incarnation ${incarnation})`
      const taken = new TroupeError('AlreadyExists', message, { retryable: false, details: { node, incarnation } })
      if (this.#hasJoined && this.#trouble?.kind !== 'AlreadyExists') this.#note(message, 'error')
      this.#trouble = taken
      this.#joined.reject(taken)
      return
    }
    if (isOwn && type === 'joined') {
      this.#hasJoined = true
      this.#failures = 0
      this.#trouble = undefined
      this.#joined.resolve()
    }
    if (type === 'joined') this.#since.set(node, Date.now())
    else this.#since.delete(node)
    const who = `${isOwn ? 'this node, ' : 'node '}${node} (incarnation ${incarnation})${isOwn ? ',' : ''}`
    const how = type === 'died' && by !== undefined ? `was declared dead by ${by}` : words[type]
    this.#note(`${who} ${how}`, type === 'died' ? 'warn' : 'info')
    this.#publish({ type, node, incarnation, isOwn, ...(by !== undefined && { by }) })
  }

  #watchLapse({ phase, validUntil, incarnation }: LinkReport): void {
    stopTimer(this.#lapse)
    const left = validUntil - monotonicNow()
    if (phase !== 'member' || incarnation === undefined || this.#isStopping) return
    if (left > 0) {
      if (this.#isLapsed) this.#note('the renewals of this node are accepted again', 'info')
      this.#isLapsed = false
      this.#lapse = startTimer(() => this.#watchLapse({ phase, validUntil, incarnation, living: [], events: [] }), left)
      return
    }
    if (this.#isLapsed) return
    this.#isLapsed = true
    this.#stateNow()
    const { node } = this.#options.config
    this.#note('the renewals of this node are not accepted: it has lapsed', 'warn')
    this.#publish({ type: 'lapsed', node, incarnation, isOwn: true })
  }

  #publish(event: Omit<ClusterEvent, 'cluster'>): void {
    if (nodeChannel.hasSubscribers) nodeChannel.publish({ cluster: this.#options.config.name, ...event })
  }

  #note(message: string, level: LogLevel): void {
    this.#log(`cluster ${this.#options.config.name}: ${message}`, { level, entry: id })
  }
}

const words = { joined: 'has joined', left: 'has left', died: 'has died' } as const
