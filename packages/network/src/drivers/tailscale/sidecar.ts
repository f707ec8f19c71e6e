/** The sidecar of this program, which holds the tailnet nodes of all its overlays that trust the same authorities. */
import { type Backoff, type Clock, systemClock, unavailable } from '@troupe/core'
import { mkdtempSync, rmSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Actor, createActor, type SnapshotFrom, waitFor } from 'xstate'
import type { NodeEvent } from './sidecar-messages.ts'
import { sidecarMachine } from './sidecar.machine.ts'
import { SidecarProcess } from './sidecar-process.ts'

export interface SidecarOptions {
  /** Finds its program. If there is none, throws a TroupeError that names what to install. */
  readonly program: () => Promise<string>
  /** Certificates (PEM) that its nodes trust in addition to the system's. */
  readonly authorities?: string | undefined
  /** @default 250 ms, up to 30 s, and some jitter */
  readonly delays?: Backoff
  /** @default 10 s */
  readonly stable?: number
  /** @default the system clock */
  readonly clock?: Clock
}

/** An overlay that has a node in the sidecar. */
export interface Tenant {
  readonly node: string
  readonly onEvent: (event: NodeEvent) => void
}

const defaultDelays: Backoff = { initial: 250, max: 30_000, jitter: 0.2 }
const defaultStable = 10_000

export class Sidecar {
  readonly #program: () => Promise<string>
  readonly #authorities: string | undefined
  readonly #tenants = new Map<string, Tenant>()
  readonly #actor: Actor<typeof sidecarMachine>
  #folder: string | undefined
  #places = 0

  constructor({
    program,
    authorities,
    delays = defaultDelays,
    stable = defaultStable,
    clock = systemClock,
  }: SidecarOptions) {
    this.#program = program
    this.#authorities = authorities
    const input = { start: async () => this.#start(), isNeeded: () => this.#tenants.size > 0, delays, stable }
    this.#actor = createActor(sidecarMachine, { input, clock })
    this.#actor.subscribe(({ value }) => {
      if (value === 'Idle') this.#tidy()
    })
    this.#actor.start()
  }

  /** Id of its process, while it runs. */
  get pid(): number | undefined {
    return this.#actor.getSnapshot().context.process?.pid
  }

  /** Path of its data socket: the same across restarts, as long as some node needs it. */
  get socket(): string {
    return join(this.#folderOf(), 's')
  }

  /** Keeps it running until {@link leave}. */
  enter(tenant: Tenant): void {
    this.#tenants.set(tenant.node, tenant)
    this.#actor.send({ type: 'CHANGED' })
  }

  /** Settles when the process has ended, if this was the last node. */
  async leave({ node }: Tenant): Promise<void> {
    this.#tenants.delete(node)
    this.#actor.send({ type: 'CHANGED' })
    await waitFor(this.#actor, ({ value }) => value !== 'Stopping')
  }

  /**
   * Returns its process, once it runs.
   *
   * @throws TroupeError the reason why it does not start; `Unavailable` when no node needs it.
   */
  async process(): Promise<SidecarProcess> {
    const { failures } = this.#actor.getSnapshot().context
    const hasFailed = (snapshot: SnapshotFrom<typeof sidecarMachine>) =>
      snapshot.value === 'Refused' || (snapshot.value === 'Waiting' && snapshot.context.failures > failures)
    const runs = ({ value, context }: SnapshotFrom<typeof sidecarMachine>) =>
      value === 'Running' && context.process?.isOver === false
    const { context } = await waitFor(
      this.#actor,
      (snapshot) => runs(snapshot) || hasFailed(snapshot) || snapshot.value === 'Idle',
    )
    if (context.process) return context.process
    throw context.error ?? unavailable('the sidecar of the tailnet has ended')
  }

  /**
   * Makes a folder for a socket at which it hands over connections: with a short path, and accessible only to this
   * user.
   */
  async newListener(): Promise<string> {
    const folder = this.#folderOf()
    this.#places += 1
    const place = join(folder, String(this.#places))
    await mkdir(place, { mode: 0o700 })
    return place
  }

  async #start(): Promise<SidecarProcess> {
    const program = await this.#program()
    const { socket } = this
    await rm(socket, { force: true })
    const authorities = await this.#keptAuthorities()
    return SidecarProcess.start({
      program,
      socket,
      authorities,
      onEvent: (event) => this.#tenants.get(event.node)?.onEvent(event),
    })
  }

  async #keptAuthorities(): Promise<string | undefined> {
    if (this.#authorities === undefined) return undefined
    const file = join(this.#folderOf(), 'ca.pem')
    await writeFile(file, this.#authorities, { mode: 0o600 })
    return file
  }

  /** It stays the same while there are nodes, so that routes remain valid across restarts of the process. */
  #folderOf(): string {
    if (this.#folder === undefined) {
      this.#folder = mkdtempSync(join(tmpdir(), 'troupe-'))
      // Removes the folder, however this program ends.
      process.on('exit', this.#tidy)
    }
    return this.#folder
  }

  readonly #tidy = (): void => {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true })
    this.#folder = undefined
    process.off('exit', this.#tidy)
  }
}

/**
 * The sidecars of this program: one for all nodes that trust the same authorities, so that no node trusts the
 * authorities of another.
 */
export class Sidecars {
  readonly #program: () => Promise<string>
  readonly #all = new Map<string, Sidecar>()

  constructor(program: () => Promise<string>) {
    this.#program = program
  }

  /** @param authorities - PEM; empty for the system's authorities only. */
  of(authorities: string): Sidecar {
    const known = this.#all.get(authorities)
    if (known) return known
    const made = new Sidecar({ program: this.#program, authorities: authorities === '' ? undefined : authorities })
    this.#all.set(authorities, made)
    return made
  }
}
