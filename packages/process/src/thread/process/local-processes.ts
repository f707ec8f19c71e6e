/** The processes of one thread: their start, their end, and what the kernel knows of them. */
import { count, counter, type EntryId, invalid, type Pid } from '@troupe/core'
import { type Envelope, firstEnvelope } from '../../mailbox/message.ts'
import type { StartProcess } from '../../protocol/kernel-thread.ts'
import type { WireExit } from '../../protocol/programs.ts'
import type { KernelClient } from '../kernel-client.ts'
import type { LocalSpawn } from '../local-spawns.ts'
import { loadMethod } from '../module.ts'
import { LocalProcess } from './local-process.ts'
import type { ParticipantRuntime } from '../participant.ts'
import type { ProcessServices } from './process-services.ts'
import { run } from './run-program.ts'

export interface LocalProcessesOptions {
  readonly runtime: ParticipantRuntime
  readonly kernel: () => KernelClient
  /** Whether they only warm up the thread, and are not counted. */
  readonly isWarmup: () => boolean
  readonly services: ProcessServices<LocalProcess>
  /** Called when a process has its mailbox, before its program runs. */
  readonly onStart: (process: LocalProcess, links: readonly Pid[]) => void
  /** Called when a process has ended, with the messages that it did not take. */
  readonly onEnd: (process: LocalProcess, untaken: readonly Envelope[], exit: WireExit, hurry: boolean) => void
}

export class LocalProcesses {
  readonly #options: LocalProcessesOptions
  readonly #all: Map<Pid, LocalProcess>

  /** @param all - The table of the processes, which others may read. */
  constructor(all: Map<Pid, LocalProcess>, options: LocalProcessesOptions) {
    this.#all = all
    this.#options = options
  }

  /** The processes that live in this thread. */
  get all(): ReadonlyMap<Pid, LocalProcess> {
    return this.#all
  }

  get(id: Pid): LocalProcess | undefined {
    return this.#all.get(id)
  }

  /** @param localSpawn - What the kernel learns later of a process that this thread starts by itself. */
  start(start: StartProcess, localSpawn?: LocalSpawn): void {
    const { pid: id, program, frame, queueSize, accepts, idleTimeout } = start
    const { runtime, services, onStart } = this.#options
    const process = new LocalProcess({
      pid: id,
      runtime,
      program,
      frame,
      queueSize,
      accepts,
      idleTimeout,
      localSpawn,
      services,
    })
    process.watchers.push(...start.watchers)
    this.#all.set(process.pid, process)
    this.#count(counter.processesStarted)
    for (const message of start.messages) process.mailbox.put(firstEnvelope(message))
    onStart(process, start.links)
    this.#run(process, start.args)
  }

  /**
   * Ends a process that lives or lived here: only the first end counts. @param hurry Do not wait for its last messages.
   */
  finish(process: LocalProcess, exit: WireExit, hurry = false): void {
    if (process.ended) return
    const untaken = process.close(exit)
    this.#all.delete(process.pid)
    this.#count(counter.processesEnded)
    if ('error' in exit && exit.error.kind !== 'Canceled') this.#count(counter.processesFailed)
    this.#options.onEnd(process, untaken, exit, hurry)
  }

  /**
   * Replaces the program of a process: its pid, mailbox, links and monitors stay. Settles only when this fails: then
   * the process continues as before.
   *
   * @param overlay - The overlay of this thread.
   */
  async upgrade(
    process: LocalProcess,
    entry: EntryId,
    state: readonly unknown[],
    overlay: EntryId | null | undefined,
  ): Promise<never> {
    const kernel = this.#options.kernel()
    const { program, pin, accepts } = await kernel.request('program', { entry }, process.pid)
    if (pin !== undefined && pin !== overlay) {
      throw invalid(`${process.pid} cannot become ${entry}, which is pinned to another network: start a new process`, {
        entry,
        pin,
      })
    }
    await loadMethod(program)
    const { promise: never } = Promise.withResolvers<never>()
    if (process.ended) return never
    await kernel.request('upgrade', { entry }, process.pid)
    if (process.exit !== undefined) return never
    process.upgrade(program, accepts)
    this.#run(process, state)
    return never
  }

  /** Reports a process to the kernel that this thread started by itself. */
  report(id: Pid): void {
    const process = this.#all.get(id)
    if (process?.localSpawn === undefined) return
    const { localSpawn } = process
    process.localSpawn = undefined
    this.report(localSpawn.by)
    this.#options.kernel().notify({ type: 'processStarted', pid: id, ...localSpawn })
  }

  #count(index: number): void {
    if (!this.#options.isWarmup()) count(index)
  }

  #run(process: LocalProcess, args: readonly unknown[]): void {
    run(process, args, (exit) => {
      this.finish(process, exit)
    })
  }
}
