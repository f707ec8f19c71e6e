/** The running supervisors of processes, by name, and the requests that threads can send about them. */
import {
  type Calendar,
  type EntryId,
  fork,
  invalid,
  type Log,
  notFound,
  type Pid,
  systemClock,
  TroupeError,
  unavailable,
} from '@troupe/core'
import { waitUnlessOwn } from '../kernel/own-orders.ts'
import { kernelRequests } from '../protocol/request-rules.ts'
import type { Lifecycle } from '@troupe/registry'
import { z } from 'zod'
import type { LaterStore } from '../later/later-store.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { ProcessRecord } from '../kernel/process-table.ts'
import type { ChildView } from '../protocol/views.ts'
import { type ChildSpec, childSchema, supervisorKind } from '../config/supervisor-kind.ts'
import { ChildVisibility, childName } from './child-visibility.ts'
import { childCount, type RunningChild } from './children.ts'
import type { Running } from '../service/service-instance.ts'
import { partitionOf } from './partition.ts'
import { ProcessSupervisor } from './process-supervisor.ts'
import type { ReplicaSet } from '../service/replicas.ts'
import { serviceFrame } from '../service/service-frame.ts'
import type { Rules } from './strategy.ts'
import { startProcess } from '../service/supervised-process.ts'

export interface RunningSupervisorsOptions {
  readonly kernel: Kernel
  readonly log: Log
  /** @default the system's */
  readonly clock?: Calendar
  /** The file of durable schedules. @default none */
  readonly store?: LaterStore
}

interface Named {
  readonly supervisor: ProcessSupervisor
  /** Number of partitions, if its children are partitions. */
  readonly partitions: number | undefined
}

/** Starts supervisors, and handles the requests of threads about them. */
export class RunningSupervisors {
  readonly #visibility: ChildVisibility
  readonly #options: RunningSupervisorsOptions
  readonly #running = new Map<string, Named>()
  /** The services with replicas that run. */
  readonly replicas = new Map<EntryId, ReplicaSet>()

  constructor(options: RunningSupervisorsOptions) {
    this.#options = options
    this.#visibility = new ChildVisibility(
      options.kernel,
      (supervisor) => this.#running.get(supervisor)?.supervisor.whichChildren() ?? [],
    )
    const { kernel } = options
    const { authorizer } = kernel
    kernel.handle('startChild', kernelRequests.startChild, async ({ supervisor, child }, { record }) => {
      const spec = readChild(supervisor, child)
      authorizer.checkChild(record, supervisor, { ...spec, name: childName(supervisor, spec.id) })
      const { registry } = kernel
      for (const id of [spec.process, ...(spec.host === undefined ? [] : [spec.host])]) registry.get(id)
      // An added child inherits from its caller, at its restarts too.
      const acting = authorizer.governs(record) ? kernel.frames.acting(record.frame) : undefined
      return this.#whole(supervisor).startChild({ ...spec, network: record.frame.overlay, acting })
    })
    kernel.handle('terminateChild', kernelRequests.terminateChild, async ({ supervisor, child }, { record }) => {
      const name = childName(supervisor, child)
      authorizer.check(record, 'process.terminate', name, this.#visibility.about(supervisor, child))
      const whole = this.#whole(supervisor)
      const isOwn = (other: string) => other === name || other.startsWith(`${name}/`)
      await waitUnlessOwn(kernel, record, isOwn, async (released) =>
        Promise.race([whole.terminateChild(child), released()]),
      )
    })
    kernel.handle('restartChild', kernelRequests.restartChild, async ({ supervisor, child }, { record }) => {
      authorizer.check(record, 'process.spawn', childName(supervisor, child), this.#visibility.about(supervisor, child))
      return this.#whole(supervisor).restartChild(child)
    })
    kernel.handle('deleteChild', kernelRequests.deleteChild, async ({ supervisor, child }, { record }) => {
      authorizer.check(
        record,
        'process.terminate',
        childName(supervisor, child),
        this.#visibility.about(supervisor, child),
      )
      await this.#whole(supervisor).deleteChild(child)
    })
    kernel.handle('whichChildren', kernelRequests.whichChildren, ({ supervisor }, { record }) =>
      this.#seenChildren(supervisor, record),
    )
    kernel.handle('countChildren', kernelRequests.countChildren, ({ supervisor }, { record }) =>
      childCount(this.#seenChildren(supervisor, record)),
    )
    kernel.handle('partition', kernelRequests.partition, ({ supervisor, key, child }, { record }) => {
      this.#seenChildren(supervisor, record)
      const pid = this.#partition(supervisor, key, child)
      if (this.#visibility.seesProcess(record, pid)) return pid
      throw absent(supervisor)
    })
  }

  get kernel(): Kernel {
    return this.#options.kernel
  }

  get clock(): Calendar {
    return this.#options.clock ?? systemClock
  }

  get store(): LaterStore | undefined {
    return this.#options.store
  }

  get log(): Log {
    return this.#options.log
  }

  /** Supervisors whose entries are not children of other supervisors. */
  roots(): readonly EntryId[] {
    const { registry } = this.#options.kernel
    const ids = registry.find({ kind: supervisorKind.kind }).map(({ id }) => id)
    const children = new Set(
      ids.flatMap((id) => registry.decode(id, supervisorKind).fields.children.map(({ process }) => process)),
    )
    return ids.filter((id) => !children.has(id))
  }

  /** Restarts children that run `process`, unless they load new code by themselves. Returns their names. */
  async renew(process: EntryId): Promise<readonly string[]> {
    const { processes } = this.#options.kernel
    const renewed = [...this.#running].map(async ([name, { supervisor }]) => {
      // A supervisor that ended in the meantime has nothing to start.
      const ids = await supervisor.renew(process, (pid) => processes.isUpgradable(pid)).catch(() => [])
      return ids.map((id) => childName(name, id))
    })
    return (await Promise.all(renewed)).flat()
  }

  /** The description of a supervisor as a service. */
  describe(id: EntryId): { readonly kind: string; readonly lifecycle: Lifecycle } {
    const { entry, fields } = this.#options.kernel.registry.decode(id, supervisorKind)
    return { kind: entry.kind, lifecycle: fields.lifecycle }
  }

  /**
   * Starts the supervisor of an entry with all its children, under a name. @throws The error that prevented the start
   * of a child.
   */
  async start(id: EntryId, name: string = id, following: Following = {}): Promise<Running> {
    const { fields } = this.#options.kernel.registry.decode(id, supervisorKind)
    const { partitions } = fields
    const followers = follow(fields.children, following)
    if (partitions === undefined) return this.#begin(id, name, fields, followers)
    const children = follow(
      Array.from({ length: partitions }, (_, number) => partitionSpec(id, number)),
      following,
    )
    return this.#begin(
      id,
      name,
      { ...fields, strategy: 'one_for_one', autoShutdown: 'all_significant' },
      children,
      partitions,
    )
  }

  async #begin(
    id: EntryId,
    name: string,
    rules: Rules,
    children: readonly ChildSpec[],
    partitions?: number,
  ): Promise<ProcessSupervisor> {
    const { kernel, log, clock = systemClock } = this.#options
    if (this.#running.has(name))
      throw new TroupeError('AlreadyExists', `supervisor ${name} runs already`, { details: { supervisor: name } })
    const supervisor = new ProcessSupervisor({
      name,
      rules,
      children,
      clock,
      log,
      start: async (spec) => this.#startChild(id, name, spec),
      isSupervisor: (process) =>
        kernel.registry.has(process) && kernel.registry.get(process).kind === supervisorKind.kind,
    })
    this.#running.set(name, { supervisor, partitions })
    void supervisor.ended.then(() => {
      this.#running.delete(name)
    })
    await supervisor.begin()
    return supervisor
  }

  async #startChild(of: EntryId, supervisor: string, spec: ChildSpec): Promise<RunningChild> {
    const { kernel } = this.#options
    const name = childName(supervisor, spec.id)
    const { fields, meta } = kernel.registry.decode(of, supervisorKind)
    const { process } = spec
    // A partition runs the children of its own entry.
    if (process === of) return named(await this.#begin(of, name, fields, follow(fields.children, spec)))
    if (kernel.registry.get(process).kind === supervisorKind.kind) {
      const child = await this.start(process, name, spec)
      return { ended: child.ended, stop: async (hurry) => child.stop(hurry), supervisor: name }
    }
    const host = spec.host ?? fields.host
    if (host === undefined)
      throw new TroupeError('Invalid', `child "${spec.id}" of ${supervisor} has no host, nor has the supervisor`, {
        retryable: false,
      })
    const pin = meta.options?.network === undefined ? kernel.program(process).pin : meta.options.network
    const { accepts } = spec
    return startProcess(kernel, {
      entry: process,
      host,
      args: spec.input,
      frame: fork(
        serviceFrame(kernel.security, fields.lifecycle, pin === undefined ? spec.network : pin),
        spec.acting ?? {},
      ),
      name,
      ...(accepts && { accepts }),
      loadTimeout: fields.lifecycle.startTimeout,
    })
  }

  /** The children that the caller may know of. Where there are none, the supervisor is not there for it. */
  #seenChildren(supervisor: string, record: ProcessRecord): readonly ChildView[] {
    this.#named(supervisor)
    const seen = this.#visibility.seen(supervisor, record)
    if (seen !== undefined) return seen
    throw absent(supervisor)
  }

  #partition(name: string, key: string | number, child: string | undefined): Pid {
    const { partitions } = this.#named(name)
    if (partitions === undefined) throw invalid(`supervisor ${name} has no partitions`, { supervisor: name })
    const partition = `${name}/${partitionOf(key, partitions)}`
    const views = this.#running.get(partition)?.supervisor.whichChildren() ?? []
    const found = child === undefined ? views[0] : views.find(({ id }) => id === child)
    if (found?.pid !== undefined) return found.pid
    throw unavailable(`${partition} has no ${child === undefined ? 'process' : `process "${child}"`} that runs now`, {
      supervisor: partition,
    })
  }

  /** A supervisor with its own children, not partitions. */
  #whole(name: string): ProcessSupervisor {
    const { supervisor, partitions } = this.#named(name)
    if (partitions === undefined) return supervisor
    throw invalid(`supervisor ${name} has partitions: name one of them, ${name}/0 for instance`, { supervisor: name })
  }

  #named(name: string): Named {
    const found = this.#running.get(name)
    if (found !== undefined) return found
    throw absent(name)
  }
}

function absent(supervisor: string): TroupeError {
  return notFound(`there is no supervisor ${supervisor} that runs`, { supervisor })
}

/** Code may pass any value. @throws TroupeError `Invalid` */
function readChild(supervisor: string, child: unknown): ChildSpec {
  const { data, error } = childSchema.safeParse(child)
  if (error !== undefined) throw invalid(`not a child for ${supervisor}: ${z.prettifyError(error)}`, { supervisor })
  return data
}

/** What children added at run time inherit from the caller that added them. */
type Following = Pick<ChildSpec, 'network' | 'acting'>

function follow(children: readonly ChildSpec[], { network, acting }: Following): readonly ChildSpec[] {
  return children.map((child) => ({ ...child, ...(network !== undefined && { network }), ...(acting && { acting }) }))
}

function named(supervisor: ProcessSupervisor): RunningChild {
  return { ended: supervisor.ended, stop: async (hurry) => supervisor.stop(hurry), supervisor: supervisor.name }
}

/**
 * A partition restarts when it failed. When its rules ended it in order, it does not restart, and the end of the last
 * partition ends the supervisor.
 */
function partitionSpec(process: EntryId, number: number): ChildSpec {
  return { id: String(number), process, input: [], restart: 'transient', significant: true, shutdown: 'infinity' }
}
