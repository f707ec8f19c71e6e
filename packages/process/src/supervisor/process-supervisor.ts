/**
 * A supervisor of processes: starts its children in order, restarts them by its rules, and stops them in reverse order.
 */
import { setImmediate as turn } from 'node:timers/promises'
import {
  asTroupeError,
  type EntryId,
  invalid,
  isTracing,
  type LogLevel,
  type Pid,
  traced,
  TroupeError,
  unavailable,
} from '@troupe/core'
import type { ChildView } from '../protocol/views.ts'
import { restartSpan } from '../thread/spans.ts'
import type { ChildSpec } from '../config/supervisor-kind.ts'
import type { Exit } from '../thread/process/event-queue.ts'
import { asMember, Children, type ChildSlot, type RunningChild } from './children.ts'
import { deadline } from './deadline.ts'
import type { Running } from '../service/service-instance.ts'
import { countRestart, isForgotten, childSpecError, stopOrder, restartPlan, exitDecision } from './strategy.ts'
import type { ProcessSupervisorOptions } from './process-supervisor-options.ts'

interface Failure {
  readonly id: string
  /** `undefined` for a child that returned. */
  readonly error: TroupeError | undefined
}

/** Default time in milliseconds for the orderly stop of a process, if its spec has none. */
const processShutdown = 5_000

export class ProcessSupervisor implements Running {
  readonly name: string
  readonly ended: Promise<Exit>
  readonly #options: ProcessSupervisorOptions
  readonly #end: (exit: Exit) => void
  readonly #children: Children
  /** Aborts when children that are stopping must end at once. */
  readonly #hurry = new AbortController()
  #restarts: readonly number[] = []
  /** Settles when nothing is in progress: operations run one at a time. */
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

  /** Starts all children, in order. If one does not start, it stops those before it and rejects. */
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

  /** Stops all children in reverse start order, each within its `shutdown` time, until `hurry` aborts. */
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
   * Starts one more child, after the others.
   *
   * @throws TroupeError `AlreadyExists` for an id in use; `Invalid`; and the error that prevented the start. In that
   * case the child is not kept.
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

  /**
   * Stops a child. It is not restarted by itself, and is removed if it is temporary. @throws TroupeError `NotFound`
   */
  terminateChild(id: string): Promise<void> {
    return this.#asked(async () => this.#stop(this.#children.get(id)))
  }

  /**
   * Starts a child that does not run. @throws TroupeError `NotFound`; `Conflict` when it runs; and the error that
   * prevented the start.
   */
  restartChild(id: string): Promise<ChildView> {
    return this.#asked(async () => this.#start(this.#children.resting(id)))
  }

  /**
   * Restarts the children that run `process`, except for those that `spare` selects and temporary ones, which would not
   * come back. Returns their ids. A child that does not start counts as a failure, as usual.
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

  /** Removes a child that does not run. @throws TroupeError `NotFound`; `Conflict` when it runs. */
  deleteChild(id: string): Promise<void> {
    return this.#asked(async () => {
      this.#children.forget(this.#children.resting(id))
    })
  }

  /** Returns the children, in start order. */
  whichChildren(): readonly ChildView[] {
    return this.#children.views
  }

  /** Starts children in order until one fails to start. */
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

  /** A child ended. If the supervisor stopped it, its place is already empty. */
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

  /**
   * Restarts a child, with all children that its end affects. Repeats this if one does not start, until there were too
   * many restarts.
   */
  async #restart(first: Failure): Promise<void> {
    await traced(isTracing() ? restartSpan(this.name, first.id, first.error) : undefined, async () =>
      this.#restartFrom(first),
    )
  }

  async #restartFrom(first: Failure): Promise<void> {
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
      // A child that cannot start must not starve the other code in this thread.
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

  /** Logs like OTP's supervisor reports: progress, ends and shutdowns of children. */
  #report(level: LogLevel, child: string, what: string, error?: unknown): void {
    this.#options.log(`${this.name}: child ${child} ${what}`, {
      level,
      fields: { supervisor: this.name, child },
      error,
    })
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
    const limit = `more than ${maxRestarts} restarts in ${maxSeconds} s`
    const message = `${this.name} gave up: ${limit}, the last for child ${id}: ${error?.message ?? 'it returned'}`
    return new TroupeError('Unavailable', message, {
      details: { supervisor: this.name, child: id },
      ...(error && { cause: error }),
    })
  }

  /** Runs a requested operation, unless the supervisor is stopping. */
  #asked<T>(act: () => Promise<T>): Promise<T> {
    return this.#alone(async () => {
      if (this.#stopping) throw unavailable(`supervisor ${this.name} has ended`, { supervisor: this.name })
      return act()
    })
  }

  /** Runs an operation when nothing else is in progress. */
  #alone<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#idle.then(act)
    this.#idle = done.catch(() => undefined)
    return done
  }
}

/** Texts for the consequences of a child's end. */
const outcomes = {
  restart: 'and will be restarted',
  shutdown: 'which ends its supervisor',
  leave: 'and is not restarted',
}

function placeOf({ pid }: RunningChild): string {
  return pid === undefined ? '' : ` (${pid})`
}
