/** The tailnet node of one overlay, across restarts of the sidecar. */
import { type Backoff, systemClock, TroupeError, unavailable } from '@troupe/core'
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { type Actor, createActor, waitFor } from 'xstate'
import type { BindOptions } from '../../overlay/overlay.ts'
import { done, type Joined, joined, type NodeEvent, type Status, status } from './sidecar-messages.ts'
import { refusalError } from './error-codes.ts'
import { nodeMachine } from './node.machine.ts'
import { GivenName } from './given-name.ts'
import { TailnetListener } from './listener.ts'
import type { TailscaleRoute } from './route.ts'
import type { Tenant } from './sidecar.ts'
import type { SidecarProcess } from './sidecar-process.ts'
import { type NodeOptions, type Standing, warning, type Wish } from './node-options.ts'
import { makeStateFolder } from './state-folder.ts'

/** Less than the start time of a service, so that the failure reports the reason. */
const joinTimeout = 9_000
/** Time for a person to log in, or to admit the node. */
const humanTimeout = 600_000
/** Added to the timeout that the sidecar gets, so that the sidecar's own error arrives first. */
const grace = 2_000
const requestTimeout = 10_000
const secretBytes = 12
const lost = 'its login is over: it has expired, or was ended or deleted on the control server'
/** States of tsnet in which a node no longer takes part. */
const outside: ReadonlySet<string> = new Set(['NoState', 'NeedsLogin', 'Stopped'])

const defaultDelays: Backoff = { initial: 1_000, max: 60_000, jitter: 0.2 }

export class TailnetNode implements AsyncDisposable {
  readonly #options: NodeOptions
  readonly #actor: Actor<typeof nodeMachine>
  readonly #tenant: Tenant
  readonly #name: GivenName
  readonly #listeners = new Set<TailnetListener>()
  /** Settles when the node waits for a person. */
  readonly #wished = Promise.withResolvers<void>()
  #wish: Wish | undefined
  #process: SidecarProcess | undefined
  #joined: Joined | undefined
  #shutOut = Promise.withResolvers<never>()
  /** It has joined once: later changes are logged. */
  #serves = false
  #isLeaving = false
  /** Its keys were made in this life: there was no folder for them before. */
  #isNew = false
  #isUnwanted = false

  constructor(options: NodeOptions) {
    const { overlay, sidecar, delays = defaultDelays, clock = systemClock } = options
    this.#options = options
    this.#name = new GivenName(options)
    this.#tenant = {
      node: `${overlay}#${randomBytes(secretBytes).toString('base64url')}`,
      onEvent: (event) => this.#hear(event),
    }
    const stay = { join: async () => this.#join(), last: async () => this.#last(), leave: async () => this.#leave() }
    this.#actor = createActor(nodeMachine, { input: { stay, delays }, clock })
    this.#actor.subscribe(() => options.onChange?.())
    sidecar.enter(this.#tenant)
    this.#actor.start()
  }

  get route(): TailscaleRoute {
    return { socket: this.#options.sidecar.socket, node: this.#tenant.node }
  }

  get standing(): Standing {
    const { value, context } = this.#actor.getSnapshot()
    return { state: value, error: context.error, wish: this.#wish, joined: this.#joined }
  }

  /**
   * Settles when the node is in its tailnet, or waits for a login or an admission.
   *
   * @throws TroupeError the reason why it is not; `PermissionDenied`, `Conflict` and `Invalid` are final.
   */
  async settled(): Promise<void> {
    await Promise.race([waitFor(this.#actor, ({ value }) => value !== 'Joining'), this.#wished.promise])
    const { state, error } = this.standing
    const isIn = state === 'Joined' || (this.#wish !== undefined && state !== 'Refused')
    if (!isIn) throw error ?? this.#absent()
    this.#serves = true
  }

  /** Returns its name and addresses in the tailnet. @throws TroupeError `Unavailable` when it has not joined. */
  present(): Joined {
    if (this.#joined === undefined) throw this.#absent()
    return this.#joined
  }

  /** Opens a place at which a thread may accept connections. @throws TroupeError `AlreadyExists`, `Unavailable` */
  async bind(options: BindOptions): Promise<TailnetListener> {
    this.present()
    const process = this.#process ?? (await this.#options.sidecar.process())
    const place = new TailnetListener(await this.#options.sidecar.newListener(), options)
    this.#listeners.add(place)
    try {
      await place.open(process, this.#tenant.node)
    } catch (error) {
      this.#listeners.delete(place)
      await place.close('it was never there')
      throw error
    }
    return place
  }

  async giveUp(place: TailnetListener): Promise<void> {
    this.#listeners.delete(place)
    await place.close('it was given up')
  }

  /** @param probe - Test the way to the tailnet before. @throws TroupeError `Unavailable` when it has not joined. */
  async status(probe: boolean): Promise<Status> {
    this.present()
    const process = this.#process ?? (await this.#options.sidecar.process())
    const current = await process.request('status', { node: this.#tenant.node, probe }, status, requestTimeout)
    await this.#rename(current.dns_name)
    return current
  }

  /** An administrator may rename the node: peers then reach its places by the new name. */
  async #rename(name: string): Promise<void> {
    if (name === '' || this.#joined === undefined || this.#joined.dns_name === name) return
    this.#joined = { ...this.#joined, dns_name: name }
    for (const place of this.#listeners) place.rename(name)
    await this.#options.onJoined?.(this.#joined)
  }

  /** Leaves the tailnet. Settles when the state folder is free. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isLeaving = true
    this.#actor.send({ type: 'LEAVE' })
    await waitFor(this.#actor, ({ value }) => value === 'Left')
  }

  /** Leaves the tailnet. A new node is also logged out, and its keys are deleted. */
  async discard(): Promise<void> {
    this.#isUnwanted = this.#isNew
    await this[Symbol.asyncDispose]()
    const { overlay, stateDir, hostname, log } = this.#options
    if (!this.#isUnwanted) return
    await rm(stateDir, { recursive: true, force: true })
    log(
      `overlay ${overlay}: its new node "${hostname}" is logged out, and ` +
        'its keys are removed. The server may list it until it is deleted there',
    )
  }

  async #join(): Promise<void> {
    const { overlay, hostname, stateDir, authKey, controlUrl, ephemeral, tags, exitNode, sidecar } = this.#options
    this.#isNew = (await makeStateFolder(overlay, stateDir)) || this.#isNew
    const process = await sidecar.process()
    const { node } = this.#tenant
    // Removes what an earlier attempt left there.
    if (process === this.#process) await process.request('down', { node }, done, requestTimeout).catch(() => undefined)
    if (this.#isLeaving) return
    this.#process = process
    const timeout = this.#wish === undefined ? joinTimeout : humanTimeout
    const fields = {
      node,
      hostname,
      state_dir: stateDir,
      auth_key: authKey,
      control_url: controlUrl,
      ephemeral,
      tags,
      exit_node: exitNode,
      timeout_ms: timeout,
    }
    const shutOut = Promise.withResolvers<never>()
    shutOut.promise.catch(() => undefined)
    this.#shutOut = shutOut
    try {
      this.#joined = await process.request('up', fields, joined, timeout + grace)
    } catch (error) {
      throw this.#failed(error)
    }
    this.#wish = undefined
    this.#name.tell(this.#joined.dns_name)
    await this.#options.onJoined?.(this.#joined)
    await Promise.all([...this.#listeners].map(async (place) => this.#reopen(place, process)))
    for (const place of this.#listeners) place.rename(this.#joined.dns_name)
  }

  async #reopen(place: TailnetListener, process: SidecarProcess): Promise<void> {
    try {
      await place.open(process, this.#tenant.node)
    } catch (error) {
      // The next life of the sidecar opens it again.
      if (!process.isOver) await this.#lose(place, error instanceof Error ? error.message : String(error))
    }
  }

  async #lose(place: TailnetListener, why: string): Promise<void> {
    if (!this.#listeners.delete(place)) return
    const { overlay, log } = this.#options
    log(`overlay ${overlay}: no connections arrive any more on port ${place.port}: ${why}`, warning)
    await place.close(why)
  }

  async #last(): Promise<void> {
    const { overlay, log } = this.#options
    try {
      const how = await Promise.race([this.#process?.ended, this.#shutOut.promise])
      if (!this.#isLeaving)
        log(`overlay ${overlay}: the sidecar has ended ${how}. Its connections are reset; it is started again`, warning)
    } catch (error) {
      if (error instanceof TroupeError && error.final) await this.#stayOut(error)
      throw error
    } finally {
      this.#joined = undefined
    }
  }

  /** The tailnet no longer knows the node: it does not join again by itself, and no connection arrives. */
  async #stayOut({ message }: TroupeError): Promise<void> {
    const wish = { node: this.#tenant.node, reason: message.slice(message.indexOf(': ') + 2) }
    await this.#process?.request('down', wish, done, requestTimeout).catch(() => undefined)
    await Promise.all([...this.#listeners].map(async (place) => this.#lose(place, wish.reason)))
  }

  async #leave(): Promise<void> {
    const process = this.#process
    this.#joined = undefined
    const wish = { node: this.#tenant.node, logout: this.#isUnwanted }
    if (process?.isOver === false) await process.request('down', wish, done, requestTimeout).catch(() => undefined)
    await Promise.all([...this.#listeners].map(async (place) => place.close('the overlay was closed')))
    this.#listeners.clear()
    await this.#options.sidecar.leave(this.#tenant)
  }

  #hear(event: NodeEvent): void {
    const { overlay, hostname, log } = this.#options
    switch (event.ev) {
      case 'auth_url':
        if (this.#wish?.type === 'login' && this.#wish.url === event.url) return
        log(`overlay ${overlay}: the node "${hostname}" needs a login: open ${event.url}`, warning)
        this.#want({ type: 'login', url: event.url })
        return
      case 'needs_approval':
        if (this.#wish?.type === 'approval') return
        log(`overlay ${overlay}: an administrator of the tailnet has to admit the node "${hostname}"`, warning)
        this.#want({ type: 'approval' })
        return
      case 'state':
        this.#backend(event.state)
        return
      case 'error':
        this.#shutOut.reject(this.#failed(refusalError(event)))
        return
      case 'listener_closed':
        for (const place of this.#listeners) if (place.listener === event.listener) void this.#lose(place, event.error)
        return
      default:
    }
  }

  /** Handles a state change of a node that had joined, such as the expiry of its key. */
  #backend(state: string): void {
    if (this.#joined === undefined) return
    if (state === 'Running') this.#wish = undefined
    if (outside.has(state)) this.#shutOut.reject(this.#failed(unavailable(lost)))
  }

  #want(wish: Wish): void {
    this.#wish = wish
    this.#wished.resolve()
    this.#options.onChange?.()
  }

  /** Returns the reason why it did not join, with the overlay's name, and logs it. */
  #failed(error: unknown): TroupeError {
    const { overlay, log } = this.#options
    const { kind, message, details, final } =
      error instanceof TroupeError ? error : new TroupeError('Internal', String(error))
    const text = `overlay ${overlay} is not in its tailnet: ${message}`
    if (this.#serves && !this.#isLeaving) log(text, warning)
    return new TroupeError(kind, text, {
      details: { ...details, overlay, ...(this.#wish?.type === 'login' && { url: this.#wish.url }) },
      ...(final && { retryable: false }),
    })
  }

  #absent(): TroupeError {
    const { overlay } = this.#options
    return unavailable(`overlay ${overlay} is not in its tailnet: ${this.#reason()}`, { overlay })
  }

  #reason(): string {
    const { state, error } = this.standing
    if (this.#wish?.type === 'login') return `it needs a login at ${this.#wish.url}`
    if (this.#wish?.type === 'approval') return 'an administrator of the tailnet has to admit it'
    if (state === 'Joining') return 'it is still joining'
    return error?.message ?? 'it has left'
  }
}
