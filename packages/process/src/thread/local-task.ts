/**
 * The tasks of a thread: code that acts in it under an id and is no process. It has no mailbox, and runs until it
 * returns.
 */
import { type EntryId, type Frame, type Pid, runInSlot, TroupeError } from '@troupe/core'
import { lookLater } from './builtins.ts'
import { Participant, type ParticipantRuntime } from './participant.ts'

/** Options of a {@link LocalTask}. */
export interface LocalTaskOptions {
  /** The id under which it acts: its own, or that of the code for which it runs. */
  readonly pid: Pid
  /** The runtime of its thread. */
  readonly runtime: ParticipantRuntime | undefined
  /** The entry whose code it runs. */
  readonly entry?: EntryId
  /** The frame that the kernel issued for that id. */
  readonly issued: Frame
  /** The frame in which it runs. */
  readonly frame: Frame
  /** Depth of nested tasks in this thread, including this one. */
  readonly depth: number
}

/** A running task. */
export class LocalTask extends Participant {
  readonly entry: EntryId | undefined
  readonly depth: number
  readonly #frame: Frame
  #fail: ((error: unknown) => void) | undefined
  #controller: AbortController | undefined
  #reason: TroupeError | undefined
  #ended = false

  constructor({ pid, runtime, entry, issued, frame, depth }: LocalTaskOptions) {
    super(pid, issued, runtime)
    this.entry = entry
    this.depth = depth
    this.#frame = frame
  }

  /** Created on first use: most tasks never use it. */
  override get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#reason !== undefined) this.#controller.abort(this.#reason)
    return this.#controller.signal
  }

  override get ended(): boolean {
    return this.#ended
  }

  /** Runs its code until that returns or the task ends. */
  async run(fn: () => unknown): Promise<unknown> {
    try {
      return await new Promise((resolve, reject) => {
        this.#fail = reject
        // Not resolved with the promise of the code itself: an error that occurs before that promise settles must still
        // count.
        Promise.resolve(runInSlot({ frame: this.#frame, owner: this }, fn)).then(resolve, reject)
      })
    } finally {
      lookLater()
      this.#ended = true
    }
  }

  /** Aborts its signal. The listeners run as part of the task: their errors end this task, and no other. */
  cancel(reason: string): void {
    this.#reason ??= new TroupeError('Canceled', reason)
    const controller = this.#controller
    if (controller !== undefined) runInSlot({ frame: this.#frame, owner: this }, () => controller.abort(this.#reason))
  }

  /** Ends the task with an error, whatever its code is still doing. */
  fail(error: unknown): void {
    this.#fail?.(error)
  }
}

/** The tasks of one thread. */
export class RunningTasks {
  readonly #running = new Map<Pid, LocalTask>()
  /** Tasks that the thread runs by itself on behalf of others. The kernel can revoke them. */
  readonly #own = new Map<Pid, LocalTask>()

  /** The tasks that the kernel started here. */
  get running(): readonly LocalTask[] {
    return [...this.#running.values()]
  }

  /** Whether any task runs here that the kernel started. */
  get areRunning(): boolean {
    return this.#running.size > 0
  }

  /** Returns a task that the kernel started here. */
  get(pid: Pid): LocalTask | undefined {
    return this.#running.get(pid)
  }

  /** Registers a task that the kernel started; until {@link remove}. */
  add(task: LocalTask): void {
    this.#running.set(task.pid, task)
  }

  remove(task: LocalTask): void {
    this.#running.delete(task.pid)
  }

  /**
   * Registers a task that the thread runs on behalf of others, so that the kernel can cancel it; until {@link leave}.
   */
  enter(task: LocalTask): void {
    this.#own.set(task.pid, task)
  }

  leave(task: LocalTask): void {
    this.#own.delete(task.pid)
  }

  /** Asks a task to stop. */
  cancel(pid: Pid, reason: string): void {
    const task = this.#running.get(pid) ?? this.#own.get(pid)
    task?.cancel(reason)
  }

  /** Ends the tasks that the kernel started, because an uncaught error cannot be assigned to one of them. */
  fail(error: unknown): void {
    for (const task of this.#running.values()) task.fail(error)
  }
}
