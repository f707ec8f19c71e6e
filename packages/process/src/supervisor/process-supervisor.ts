/** A supervisor of processes: it starts its children in order, starts them anew by its rules, and stops them the other way round. */
import { setImmediate as turn } from 'node:timers/promises'
import { asTroupeError, type Clock, type EntryId, invalid, type Log, type LogLevel, type Pid, TroupeError, unavailable } from '@troupe/core'
import type { ChildCount, ChildView } from '../protocol/kernel-thread.ts'
import type { ChildSpec } from '../config/supervisor-kind.ts'
import type { Exit } from '../thread/process/event-queue.ts'
import { asMember, Children, type ChildSlot, type RunningChild } from './children.ts'
import { deadline } from './deadline.ts'
import type { Running } from '../service/service-instance.ts'
import { countRestart, isForgotten, childSpecError, type Rules, stopOrder, restartPlan, exitDecision } from './strategy.ts'

export interface ProcessSupervisorOptions {
  /** What it goes by: `app:workers`, and `app:workers/db` for a child that is a supervisor. */
  readonly name: string
  readonly rules: Rules
  readonly children: readonly ChildSpec[]
  readonly clock: Clock
  /** Brings a child up; rejects when it does not come. */
  readonly start: (spec: ChildSpec) => Promise<RunningChild>
  readonly isSupervisor: (process: EntryId) => boolean
  readonly log: Log
}

interface Failure {
  readonly id: string
  /** None for a child that returned. */
  readonly error: TroupeError | undefined
}

/** What a process has to stop in order, if its spec does not say. */
const processShutdown = 5_000

export class ProcessSupervisor implements Running {
  readonly name: string
  readonly ended: Promise<Exit>
  readonly #options: ProcessSupervisorOptions
  readonly #end: (exit: Exit) => void
  readonly #children: Children
  /** Aborts when children that stop are to lose no more time. */
  readonly #hurry = new AbortController()
  #restarts: readonly number[] = []
  /** Settles when nothing is under way: one thing happens at a time. */
  #idle: Promise<unknown> = Promise.resolve()
  #stopping = false

  constructor(options: ProcessSupervisorOptions) {
    const { promise, resolve } = Promise.withResolvers<Exit>()
    this.name = options.name
    this.ended = promise
    this.#end = resolve
    this.#options = options
    this.#children = new Children(options.children, { of: options.name, isSupervisor: options.isSupervisor })
  }

  /** Starts all children, in order. If one does not come up, those before it are stopped again, and it rejects. */
  begin(): Promise<void> {
    return this.#alone(async () => {
      const failure = await this.#startAll(this.#children.members.map(({ id }) => id))
      if (failure?.error === undefined) return
      const { id, error } = failure
      await this.#finish({ error })
      throw new TroupeError(error.kind, `child ${id} of ${this.name} did not start: ${error.message}`, {
        cause: error,
        ...((error.retryable || error.final) && { retryable: error.retryable }),
      })
    })
  }

  /** Stops all children in the reverse order of their start, each within its `shutdown` time, as long as `hurry` does not abort. */
  async stop(hurry: AbortSignal): Promise<void> {
    this.#stopping = true
    const onHurry = () => {
      this.#hurry.abort()
    }
    hurry.addEventListener('abort', onHurry)
    if (hurry.aborted) onHurry()
    await this.#alone(async () => this.#finish({ value: undefined }))
    hurry.removeEventListener('abort', onHurry)
  }

  /**
   * Starts one more child, as the last.
   *
   * @throws TroupeError `AlreadyExists` for an id that is taken, `Invalid`, and what kept the child from starting: then it is not kept.
   */
  startChild(spec: ChildSpec): Promise<ChildView> {
    return this.#asked(async () => {
      const wrong = childSpecError(this.#options.rules, spec)
      if (wrong !== undefined) throw invalid(wrong, { supervisor: this.name, child: spec.id })
      const place = this.#children.add(spec)
      try {
        return await this.#start(place)
      } catch (error) {
        this.#children.forget(place)
        throw error
      }
    })
  }

  /** Stops a child. It does not come back by itself; a temporary one is forgotten. @throws TroupeError `NotFound` */
  terminateChild(id: string): Promise<void> {
    return this.#asked(async () => this.#stop(this.#children.get(id)))
  }

  /** Starts a child that does not run. @throws TroupeError `NotFound`, `Conflict` when it runs, and what keeps it from starting. */
  restartChild(id: string): Promise<ChildView> {
    return this.#asked(async () => this.#start(this.#children.resting(id)))
  }

  /**
   * Starts the children that run `process` anew, but for those that `spare` names and temporary ones, which would not come back. Returns their
   * ids. One that does not come up counts as a failure, as ever.
   */
  renew(process: EntryId, spare: (pid: Pid) => boolean): Promise<readonly string[]> {
    return this.#asked(async () => {
      const wanted = this.#children.views.filter(({ process: run, pid, restart }) => {
        return run === process && pid !== undefined && restart !== 'temporary' && !spare(pid)
      })
      for (const { id } of wanted) {
        await this.#stop(this.#children.get(id))
        const failure = await this.#startAll([id])
        if (failure !== undefined) await this.#restart(failure)
      }
      return wanted.map(({ id }) => id)
    })
  }

  /** Forgets a child that does not run. @throws TroupeError `NotFound`, `Conflict` when it runs. */
  deleteChild(id: string): Promise<void> {
    return this.#asked(async () => {
      this.#children.forget(this.#children.resting(id))
    })
  }

  /** Its children, in the order of their start. */
  whichChildren(): readonly ChildView[] {
    return this.#children.views
  }

  countChildren(): ChildCount {
    return this.#children.count
  }

  /** Starts children in order until one does not come up. */
  async #startAll(ids: readonly string[]): Promise<Failure | undefined> {
    for (const id of ids) {
      if (this.#stopping) return undefined
      try {
        await this.#start(this.#children.get(id))
      } catch (error) {
        this.#report('error', id, 'did not start', error)
        return { id, error: asTroupeError(error) }
      }
    }
    return undefined
  }

  async #start(place: ChildSlot): Promise<ChildView> {
    const child = await this.#options.start(place.spec)
    place.child = child
    this.#report('debug', place.spec.id, `started${placeOf(child)}`)
    void child.ended.then(async (exit) => this.#alone(async () => this.#childEnded(place, child, exit)))
    return this.#children.view(place)
  }

  /** A child ended. If it was to, its place is empty already. */
  async #childEnded(place: ChildSlot, child: RunningChild, exit: Exit): Promise<void> {
    if (place.child !== child || this.#stopping) return
    place.child = undefined
    const ended = asMember(place)
    const error = 'error' in exit ? exit.error : undefined
    const then = exitDecision(this.#options.rules, this.#children.members, ended, error !== undefined)
    const words = `terminated${placeOf(child)}, ${outcomes[then]}`
    this.#report(error === undefined && then !== 'restart' ? 'debug' : 'warn', ended.id, words, error)
    if (then === 'restart') {
      await this.#restart({ id: ended.id, error })
      return
    }
    if (isForgotten(ended)) this.#children.forget(place)
    if (then === 'shutdown') await this.#finish({ value: undefined })
  }

  /** Starts a child anew, with all that its end concerns; again, if one does not come up; until there were too many restarts. */
  async #restart(first: Failure): Promise<void> {
    const { rules, clock } = this.#options
    for (let failure: Failure | undefined = first; failure !== undefined && !this.#stopping; ) {
      const { restarts, givesUp } = countRestart(rules, this.#restarts, clock.now())
      this.#restarts = restarts
      if (givesUp) {
        const error = this.#tooMany(failure)
        this.#options.log(error.message, { level: 'error', fields: { supervisor: this.name, child: failure.id } })
        await this.#finish({ error })
        return
      }
      const { stop, start } = restartPlan(rules.strategy, this.#children.members, failure.id)
      await this.#stopAll(stop)
      failure = await this.#startAll(start)
      // A child that can not start must not keep all others in this thread from their turn.
      if (failure !== undefined) await turn()
    }
  }

  async #stopAll(ids: readonly string[]): Promise<void> {
    for (const id of ids) await this.#stop(this.#children.get(id))
  }

  async #stop(place: ChildSlot): Promise<void> {
    const { spec, child } = place
    place.child = undefined
    if (isForgotten(spec)) this.#children.forget(place)
    if (child === undefined) return
    using late = deadline(this.#options.clock, this.#shutdownTime(spec))
    await child.stop(AbortSignal.any([late.signal, this.#hurry.signal])).catch((error: unknown) => {
      this.#report('error', spec.id, 'did not stop', error)
    })
    this.#report('debug', spec.id, `was shut down${placeOf(child)}`)
  }

  /** As OTP's supervisor reports progress, ends and shutdowns of its children. */
  #report(level: LogLevel, child: string, what: string, error?: unknown): void {
    this.#options.log(`${this.name}: child ${child} ${what}`, { level, fields: { supervisor: this.name, child }, error })
  }

  #shutdownTime({ shutdown, process }: ChildSpec): number {
    if (shutdown === 'brutal_kill') return 0
    if (shutdown === 'infinity') return Infinity
    return shutdown ?? (this.#options.isSupervisor(process) ? Infinity : processShutdown)
  }

  async #finish(exit: Exit): Promise<void> {
    this.#stopping = true
    await this.#stopAll(stopOrder(this.#children.members))
    this.#end(exit)
  }

  #tooMany({ id, error }: Failure): TroupeError {
    const { maxRestarts, maxSeconds } = this.#options.rules
    const why = error === undefined ? 'it returned' : error.message
    const message = `${this.name} gave up: more than ${maxRestarts} restarts in ${maxSeconds} s, the last for child ${id}: ${why}`
    return new TroupeError('Unavailable', message, { details: { supervisor: this.name, child: id }, ...(error && { cause: error }) })
  }

  /** Does what somebody asked for, unless it is too late for that. */
  #asked<T>(act: () => Promise<T>): Promise<T> {
    return this.#alone(async () => {
      if (this.#stopping) throw unavailable(`supervisor ${this.name} has ended`, { supervisor: this.name })
      return act()
    })
  }

  /** Does something when nothing else is under way. */
  #alone<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#idle.then(act)
    this.#idle = done.catch(() => undefined)
    return done
  }
}

/** What becomes of a child that has ended. */
const outcomes = { restart: 'and is to start anew', shutdown: 'which ends its supervisor', leave: 'and does not come back' }

function placeOf({ pid }: RunningChild): string {
  return pid === undefined ? '' : ` (${pid})`
}
