/** The calls of functions that run in one thread. */
import { type EntryId, errorFromWire, errorToWire, type Pid, type TroupeError } from '@troupe/core'
import { snapshot, unpack, unpackArguments } from '../../mailbox/payload.ts'
import type { PostedCall, Program, Service, StartCall, WireExit } from '../../protocol/programs.ts'
import { LocalCall } from './local-call.ts'
import { loadedMethod, loadMethod } from '../module.ts'
import { PostedCallQueue } from './call-queue.ts'

export class RunningCalls {
  readonly #running = new Map<Pid, LocalCall>()
  /** Calls that the thread runs by itself on behalf of others. The kernel can revoke them. */
  readonly #own = new Map<Pid, LocalCall>()
  #posted: PostedCallQueue | undefined
  readonly #inline = new Map<EntryId, Program>()
  /** Programs by entry: each call carries a copy of its own, while methods are cached by program. */
  readonly #programs = new Map<EntryId, Program>()

  get running(): readonly LocalCall[] {
    return [...this.#running.values()]
  }

  /** Runs a call that the kernel knows, to its end. */
  async run({ pid, program, frame }: StartCall, args: readonly unknown[]): Promise<WireExit> {
    const call = new LocalCall({ pid, entry: program.entry, issued: frame, frame, depth: 1 })
    this.#running.set(pid, call)
    try {
      return { value: snapshot(await call.run(() => invoke(this.#known(program), args))) }
    } catch (error) {
      return { error: errorToWire(error) }
    } finally {
      this.#running.delete(pid)
    }
  }

  /** Starts to run the calls that the kernel posts. */
  serve(service: Service, onEnd: (pid: Pid, exit: WireExit) => void): void {
    this.#posted = new PostedCallQueue(service, async (start, args) => this.run(start, args), onEnd)
  }

  /** Handles calls that the kernel has posted. */
  take(calls: readonly PostedCall[]): void {
    this.#posted?.take(calls)
  }

  /** Runs a call that need not be known to the kernel. Errors are the same as from another thread. */
  async runInline(call: LocalCall, program: Program, args: readonly unknown[]): Promise<unknown> {
    try {
      return unpack(snapshot(await call.run(() => invoke(program, args))))
    } catch (error) {
      throw errorFromWire(errorToWire(error))
    }
  }

  /** The program of an entry whose calls need not be known to the kernel, if the entry is known to be one of these. */
  inline(entry: EntryId): Program | undefined {
    return this.#inline.get(entry)
  }

  learn(program: Program): void {
    this.#inline.set(program.entry, program)
  }

  /** An entry changed: the cached data about it is no longer valid. */
  forget(entry: EntryId): void {
    this.#inline.delete(entry)
    this.#programs.delete(entry)
  }

  /** Whether a call runs here that the kernel knows. */
  has(pid: Pid): boolean {
    return this.#running.has(pid)
  }

  /** Asks a call to stop. */
  cancel(pid: Pid, reason: string): void {
    const call = this.#running.get(pid) ?? this.#own.get(pid)
    call?.cancel(reason)
  }

  /**
   * Registers a call that the thread runs on behalf of others, so that the kernel can cancel it; until {@link leave}.
   */
  enter(call: LocalCall): void {
    this.#own.set(call.pid, call)
  }

  leave(call: LocalCall): void {
    this.#own.delete(call.pid)
  }

  /** Stops waiting for a call, whatever its function is still doing. */
  abandon(pid: Pid, error: TroupeError): void {
    const call = this.#running.get(pid)
    call?.cancel(error.message)
    call?.fail(error)
  }

  /** Ends all calls, because an uncaught error cannot be assigned to one of them. */
  fail(error: unknown): void {
    for (const call of this.#running.values()) call.fail(error)
  }

  /** Whether any call runs here that the kernel knows. */
  get areRunning(): boolean {
    return this.#running.size > 0
  }

  #known(program: Program): Program {
    const known = this.#programs.get(program.entry)
    if (known?.module === program.module && known.method === program.method) return known
    this.#programs.set(program.entry, program)
    return program
  }
}

function invoke(program: Program, args: readonly unknown[]): unknown {
  const method = loadedMethod(program)
  const own = unpackArguments(args)
  return method === undefined ? loadMethod(program).then((loaded) => loaded(...own)) : method(...own)
}
