/** A service with a number of equal processes, each with its own pid, name and restarts. */
import type { Clock, EntryId, Log, Pid } from '@troupe/core'
import { serviceKind } from '../config/kinds.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { Exit } from '../thread/process/event-queue.ts'
import { type ReplicaStatus, Service } from './service.ts'
import { serviceFrame } from './service-frame.ts'
import type { Running } from './service-instance.ts'
import { noteOf } from './service-log.ts'
import { startProcess } from './supervised-process.ts'

interface ReplicaOptions {
  readonly kernel: Kernel
  readonly clock: Clock
  readonly log: Log
  /** The sets of replicas that run. */
  readonly replicas: Map<EntryId, ReplicaSet>
}

/**
 * Starts the replicas of a service.
 *
 * @throws TroupeError `AlreadyExists` for a name in use; the error of the first replica when none of them starts.
 */
export async function startReplicas(id: EntryId, options: ReplicaOptions): Promise<Running> {
  const set = new ReplicaSet(id, options)
  await set.begin()
  return set
}

export class ReplicaSet implements Running {
  readonly ended: Promise<Exit>
  readonly #end: (exit: Exit) => void
  readonly #id: EntryId
  readonly #name: string
  readonly #options: ReplicaOptions
  readonly #services: Service[] = []
  /** Settles when no change of the number is in progress. */
  #scaled: Promise<unknown> = Promise.resolve()
  #next = 0
  #stopping = false

  constructor(id: EntryId, options: ReplicaOptions) {
    const { promise, resolve } = Promise.withResolvers<Exit>()
    this.ended = promise
    this.#end = resolve
    this.#id = id
    this.#options = options
    this.#name = this.#fields().name ?? id
  }

  /** The replicas, in the order of their names. */
  get status(): readonly ReplicaStatus[] {
    return this.#services.map(({ status: { state, attempts, error } }, index) => ({
      name: this.#nameOf(index),
      state,
      pid: this.#pidOf(index),
      attempts,
      error,
    }))
  }

  async begin(): Promise<void> {
    const { kernel, replicas } = this.#options
    kernel.processes.checkFree(this.#name)
    kernel.serviceNames.add(this.#name, () => this.#inTurn())
    replicas.set(this.#id, this)
    await this.scale()
    const failed = this.#services.find(({ status: { error } }) => error !== undefined)?.status.error
    if (failed === undefined || this.#services.some(({ status }) => status.error === undefined)) return
    await this.#close()
    throw failed
  }

  /** Starts or stops replicas until there are as many as the entry names. The others continue. */
  async scale(): Promise<void> {
    this.#scaled = this.#scaled.then(async () => {
      const { replicas = 1 } = this.#fields()
      const leaving = this.#services.splice(replicas)
      const added = Array.from({ length: replicas - this.#services.length }, (_, more) =>
        this.#create(this.#services.length + more),
      )
      this.#services.push(...added)
      await Promise.all([...leaving.map(stopService), ...added.map(async (service) => service.start())])
      this.#checkEnd()
    })
    await this.#scaled
  }

  /** Each replica has the stop timeout of the service. */
  async stop(): Promise<void> {
    await this.#close()
    this.#end({ value: undefined })
  }

  async #close(): Promise<void> {
    this.#stopping = true
    const { kernel, replicas } = this.#options
    kernel.serviceNames.remove(this.#name)
    if (replicas.get(this.#id) === this) replicas.delete(this.#id)
    await this.#scaled
    await Promise.all(this.#services.splice(0).map(stopService))
  }

  #create(index: number): Service {
    const { clock, log } = this.#options
    const { lifecycle } = this.#fields()
    return new Service({
      id: this.#id,
      kind: serviceKind.kind,
      lifecycle,
      start: async () => this.#start(index),
      // The service itself is started when it can be; a replica that cannot fails, and is tried again.
      blockedBy: () => undefined,
      clock,
      onChange: (status, before) => {
        log(`${this.#nameOf(index)} ${status.state}`, noteOf(status, before))
        this.#checkEnd()
      },
    })
  }

  async #start(index: number): Promise<Running> {
    const { kernel } = this.#options
    const { meta, fields } = kernel.registry.decode(this.#id, serviceKind)
    const { process, host, input, lifecycle, accepts } = fields
    const pin = meta.options?.network === undefined ? kernel.program(process).pin : meta.options.network
    const running = startProcess(kernel, {
      entry: process,
      host,
      args: input,
      frame: serviceFrame(kernel.security, lifecycle, pin),
      name: this.#nameOf(index),
      ...(accepts && { accepts }),
      loadTimeout: lifecycle.startTimeout,
    })
    kernel.processes.groups.join(this.#name, running.pid)
    return running
  }

  /** The service ends when each of its replicas has run to its end or has used up its attempts. */
  #checkEnd(): void {
    const all = this.#services.map(({ status }) => status)
    if (this.#stopping || all.length === 0 || all.some(({ state }) => state !== 'Exited')) return
    const error = all.find((status) => status.error !== undefined)?.error
    void this.#close()
    this.#end(error === undefined ? { value: undefined } : { error })
  }

  /** The next replica that runs. */
  #inTurn(): Pid | undefined {
    for (let tried = 0; tried < this.#services.length; tried += 1) {
      const pid = this.#pidOf(this.#next % this.#services.length)
      this.#next = (this.#next + 1) % this.#services.length
      if (pid !== undefined) return pid
    }
    return undefined
  }

  #pidOf(index: number): Pid | undefined {
    return this.#options.kernel.processes.lookup(this.#nameOf(index))
  }

  #nameOf(index: number): string {
    return `${this.#name}/${index}`
  }

  #fields() {
    return this.#options.kernel.registry.decode(this.#id, serviceKind).fields
  }
}

async function stopService(service: Service): Promise<void> {
  await service.stop()
  service.close()
}
