/** Starts processes for the program around an application. */
import { TroupeError } from '@troupe/core'
import { type CallOptions, type Exit, processes } from '@troupe/process'
import { checkOptions } from './given-options.ts'
import { ignoreStopped } from './module-functions.ts'
import { programId, sourceOf } from './names.ts'
import type { OwnEntries } from './own-entries.ts'
import { type HandlePid, ProcessHandle } from './process-handle.ts'
import type { AnyMessages } from '@troupe/core'
import { programHost } from './start-entries.ts'
import type { CodeOptions, ServiceOptions } from './start-options.ts'

/** Options of `app.spawn`. */
export interface SpawnOptions<Messages extends object = AnyMessages>
  extends CodeOptions,
    Pick<ServiceOptions, 'host' | 'accepts' | 'name'>,
    Pick<CallOptions, 'timeout' | 'signal'> {
  /** Validators of its messages, as `handleMessages` takes them: the handle checks what it sends and receives. */
  readonly messages?: Messages
}

/** Starts processes, and settles their handles when the application stops. */
export class Spawns {
  readonly #entries: OwnEntries
  /** Settle the handles of processes that have not ended. */
  readonly #running = new Set<(exit: Exit) => void>()

  constructor(entries: OwnEntries) {
    this.#entries = entries
  }

  /** Throws like `app.spawn`. */
  async spawn<Messages extends object>(
    program: URL | SpawnOptions<Messages>,
    args: readonly unknown[],
  ): Promise<ProcessHandle<Messages>> {
    checkOptions(program, 'spawn')
    const options: SpawnOptions<Messages> = program instanceof URL ? { source: program } : program
    const { source, method, network, meta, host, accepts, name, timeout, signal, messages } = options
    const choice = {
      ...(network !== undefined && { network: network === null ? null : programId(network, 'spawn: network') }),
      ...(timeout !== undefined && { timeout }),
      ...(signal && { signal }),
    }
    const spawner = processes.withOptions(choice)
    const on = host === undefined ? programHost : programId(host, 'spawn: host')
    const lease = await this.#entries.acquire({
      kind: 'process.ts',
      source: sourceOf(source, 'spawn'),
      ...(method !== undefined && { method }),
      ...(accepts !== undefined && { accepts }),
      ...(meta !== undefined && { meta }),
    })
    try {
      const named = name === undefined ? spawner : spawner.withName(name)
      const run = <T>(fn: () => T) => this.#entries.run(fn)
      const { pid, exited } = await run(async () => named.spawnWatched(lease.id, on, ...args))
      void exited.then(async () => lease.release()).catch(ignoreStopped)
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the caller declares the messages of the process
      const typed = pid as HandlePid<Messages>
      return new ProcessHandle<Messages>({ pid: typed, exited: this.#untilStopped(exited), run, messages })
    } catch (error) {
      await lease.release().catch(ignoreStopped)
      throw error
    }
  }

  /** The application has stopped: its processes have ended. */
  stopped(): void {
    const error = new TroupeError('Unavailable', 'the application has stopped', { retryable: false })
    for (const settle of this.#running) settle({ error })
    this.#running.clear()
  }

  async #untilStopped(exited: Promise<Exit>): Promise<Exit> {
    const { promise, resolve } = Promise.withResolvers<Exit>()
    this.#running.add(resolve)
    void exited.then((exit) => {
      this.#running.delete(resolve)
      resolve(exit)
    })
    return promise
  }
}
