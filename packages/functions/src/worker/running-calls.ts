/**
 * The calls of functions that run in one thread: those that the kernel posts to a thread of a pool, one after the
 * other, and those that a thread runs for its own code.
 */
import {
  afterTurn,
  count,
  counter,
  Deque,
  type EntryId,
  errorFromWire,
  errorToWire,
  fork,
  FrameDecoder,
  isTracing,
  type Pid,
  traceChange,
  type TroupeError,
  yieldDue,
} from '@troupe/core'
import {
  loadedMethod,
  loadMethod,
  LocalTask,
  type Program,
  type Runtime,
  snapshot,
  snapshotForKernel,
  telemetryReady,
  unpack,
  unpackArguments,
  type WireExit,
} from '@troupe/process'
import { CallSlots } from '../call-slots.ts'
import { runSpan } from '../spans.ts'
import type { PostedCall, Service, StartCall } from '../protocol.ts'

const all = new WeakMap<Runtime, RunningCalls>()
/** The last one that was asked for: a thread has one runtime at a time. */
let last: { readonly runtime: Runtime; readonly calls: RunningCalls } | undefined

/** Returns the calls that run in the thread of a runtime. */
export function runningCalls(runtime: Runtime): RunningCalls {
  if (last?.runtime === runtime) return last.calls
  const calls = all.get(runtime) ?? new RunningCalls(runtime)
  all.set(runtime, calls)
  last = { runtime, calls }
  return calls
}

export class RunningCalls {
  readonly #runtime: Runtime
  readonly #inline = new Map<EntryId, Program>()
  /** Programs by entry: each call carries a copy of its own, while methods are cached by program. */
  readonly #programs = new Map<EntryId, Program>()

  constructor(runtime: Runtime) {
    this.#runtime = runtime
    runtime.onEntryChanged((entry) => {
      this.#inline.delete(entry)
      this.#programs.delete(entry)
    })
  }

  /** Runs a call that the kernel knows, to its end. */
  async run({ pid, program, frame }: StartCall, args: readonly unknown[]): Promise<WireExit> {
    const { tasks } = this.#runtime
    // It is loaded with the function, but the first call is to have a span too.
    const ready = this.#runtime.isWarmup ? undefined : telemetryReady()
    if (ready !== undefined) await ready
    const span = isTracing() && frame.trace !== undefined ? runSpan(program.entry, frame) : undefined
    const own = span === undefined ? frame : fork(frame, traceChange(span))
    const call = new LocalTask({
      pid,
      runtime: this.#runtime,
      entry: program.entry,
      issued: frame,
      frame: own,
      depth: 1,
    })
    tasks.add(call)
    this.#count(counter.callsStarted)
    let failure: unknown
    try {
      return { value: snapshotForKernel(await call.run(() => invoke(this.#known(program), args))) }
    } catch (error) {
      failure = error
      this.#count(counter.callsFailed)
      return { error: errorToWire(error) }
    } finally {
      span?.end(failure)
      tasks.remove(call)
      this.#count(counter.callsEnded)
    }
  }

  #count(index: number): void {
    if (!this.#runtime.isWarmup) count(index)
  }

  /** Runs the calls that the kernel posts, and reports the end of each. */
  serve(service: Service): void {
    const { kernel } = this.#runtime
    const posted = new PostedCallQueue(
      service,
      async (start, args) => this.run(start, args),
      (pid, exit) => {
        kernel.notify({ type: 'finished', pid, exit })
      },
    )
    this.#runtime.handle('calls', ({ calls }) => {
      posted.take(calls)
    })
  }

  /** Runs a call that need not be known to the kernel. Errors are the same as from another thread. */
  async runInline(call: LocalTask, program: Program, args: readonly unknown[]): Promise<unknown> {
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

  /** Stops waiting for a call, whatever its function is still doing. */
  abandon(pid: Pid, error: TroupeError): void {
    const call = this.#runtime.tasks.get(pid)
    call?.cancel(error.message)
    call?.fail(error)
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

/** The calls that the kernel posts to a thread of a pool. They run one after the other. */
class PostedCallQueue {
  readonly #program: Program
  readonly #slots: CallSlots | undefined
  readonly #run: (start: StartCall, args: readonly unknown[]) => Promise<WireExit>
  readonly #onEnd: (pid: Pid, exit: WireExit) => void
  readonly #frames = new FrameDecoder()
  readonly #queue = new Deque<PostedCall>()
  #working = false

  constructor(
    { program, slots }: Service,
    run: (start: StartCall, args: readonly unknown[]) => Promise<WireExit>,
    onEnd: (pid: Pid, exit: WireExit) => void,
  ) {
    this.#program = program
    this.#slots = slots && new CallSlots(slots)
    this.#run = run
    this.#onEnd = onEnd
  }

  take(calls: readonly PostedCall[]): void {
    for (const call of calls) this.#queue.push(call)
    if (!this.#working) void this.#work()
  }

  async #work(): Promise<void> {
    this.#working = true
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      const [pid, reference, place, number, ...args] = next
      // Also decoded for a withdrawn call, because later calls refer to it.
      const frame = this.#frames.decode(reference)
      if (frame === undefined || this.#slots?.takeUp(place, number) === false) continue
      // Reported before the next call begins, which may take long, or end the thread.
      this.#onEnd(pid, await this.#run({ pid, program: this.#program, frame }, args))
      // Between two calls, the event loop serves connections and reads cancellations.
      if (yieldDue()) {
        await new Promise<void>((resolve) => {
          afterTurn(resolve, undefined)
        })
      }
    }
    this.#working = false
  }
}
