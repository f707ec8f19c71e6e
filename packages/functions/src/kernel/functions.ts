/** Functions of an application on the kernel's side: decides the frame of each call, and where it runs. */
import { type EntryId, type Frame, startTimer, stopTimer, type Timer, TroupeError } from '@troupe/core'
import type { Requester, Kernel, Network, ProcessRecord, Thread } from '@troupe/process/kernel'
import { checkCrossing, checkEncodable, noteClaim, sealedPlace, sealedSpan } from '@troupe/process/kernel'
import { cancelled } from '../bounded-call.ts'
import { checkDepth } from '../call-depth.ts'
import { defaultPool, functionKind, isSealed } from '../kinds.ts'
import type { CallAnswer, CallRequest, StartCall } from '../protocol.ts'
import { functionRequests } from '../request-rules.ts'
import { callStart } from '../spans.ts'
import { Pool } from './pool.ts'
import type { PoolStatus } from './pool-options.ts'
import { beginCall, depthOf, PoolCall } from './pool-call.ts'

export interface FunctionsOptions {
  readonly kernel: Kernel
  /**
   * Milliseconds that a function has to return after it was cancelled or its deadline passed. After that its thread is
   * ended.
   * @default 1000
   */
  readonly grace?: number
}

/** A call that the kernel itself makes, in a frame that the kernel guarantees. */
export interface FunctionCall {
  readonly entry: EntryId
  readonly args: readonly unknown[]
  readonly frame: Frame
  readonly caller?: ProcessRecord
  /** The network in which it runs. @default that of the frame */
  readonly network?: Network
  /** Cancels it. */
  readonly signal?: AbortSignal
  /** Gets a function that returns whether the call has begun to run: until then it waits for a thread. */
  readonly onGiven?: (hasBegun: () => boolean) => void
}

interface Pending {
  readonly pool: Pool
  readonly call: PoolCall
}

/** A function as its entry describes it. */
interface Callee {
  readonly pool: Pool
  /** Whether it runs in the caller's thread. */
  readonly inline: boolean
  /** Whether it runs in operating-system processes, and never in the caller's thread. */
  readonly sealed: boolean
}

/**
 * Handles `funcs.call` for all threads.
 *
 * @example
 * ```ts
 * await using functions = new Functions({ kernel })
 * ```
 */
export class Functions implements AsyncDisposable {
  readonly #kernel: Kernel
  readonly #grace: number
  readonly #callees = new Map<EntryId, Callee>()
  /** Pools of functions that have changed, until their calls have ended. */
  readonly #leaving = new Set<Pool>()
  /** Calls that can be cancelled, by thread and request number. */
  readonly #pending = new WeakMap<Thread, Map<number, Pending>>()

  constructor({ kernel, grace = 1000 }: FunctionsOptions) {
    this.#kernel = kernel
    this.#grace = grace
    kernel.authorizer.addStartArea('funcs')
    kernel.onNetworksChanged.add((isCurrent) => {
      for (const { pool } of this.#callees.values()) pool.retireNetworks(isCurrent)
      for (const pool of this.#leaving) pool.retireNetworks(isCurrent)
    })
    kernel.handle('call', functionRequests.call, async (ask, requester) => this.#onCall(ask, requester))
    kernel.handle('cancelCall', functionRequests.cancelCall, ({ request }, { thread }) => {
      const pending = this.#pending.get(thread)?.get(request)
      pending?.pool.cancel(
        pending.call,
        new TroupeError('Canceled', `${pending.pool.entry} was cancelled by its caller`),
      )
    })
  }

  /** Starts the threads that pools keep permanently. */
  warm(): void {
    const { registry } = this.#kernel
    for (const { id } of registry.find({ kind: functionKind.kind })) {
      const { pool } = registry.decode(id, functionKind).fields
      if (pool !== 'inline' && pool.min > 0) this.#callee(id)
    }
  }

  /** Returns the pools that have been needed so far. */
  pools(): readonly PoolStatus[] {
    return Array.from(this.#callees.values(), ({ pool }) => pool.status)
  }

  /** Calls a function on its pool. @throws TroupeError like `funcs.call` */
  async call({ entry, args, frame, caller, network, signal, onGiven }: FunctionCall): Promise<unknown> {
    const { pool } = this.#callee(entry)
    const own = network ?? this.#kernel.networks.ofCall(frame, undefined, caller?.pid ?? 'program')
    const call = new PoolCall({ frame, network: own, args, caller })
    if (signal?.aborted === true) throw cancelled(entry, signal)
    pool.run(call)
    onGiven?.(() => call.hasBegun())
    const onAbort = () => {
      pool.cancel(call, cancelled(entry, signal))
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      return await call.value
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** Ends a function's pool because its entry has changed or was deleted. The next call reads the current entry. */
  async retire(entry: EntryId): Promise<void> {
    const callee = this.#callees.get(entry)
    this.#callees.delete(entry)
    await callee?.pool[Symbol.asyncDispose]()
  }

  /**
   * Handles a change of a function's entry or code: the next call reads the current state, and earlier calls end in the
   * former pool.
   */
  renew(entry: EntryId): void {
    const pool = this.#callees.get(entry)?.pool
    this.#callees.delete(entry)
    if (pool === undefined) return
    this.#leaving.add(pool)
    void pool.leave().then(() => this.#leaving.delete(pool))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#callees.keys()].map(async (entry) => this.retire(entry)))
    await Promise.all([...this.#leaving].map(async (pool) => pool[Symbol.asyncDispose]()))
  }

  async #onCall(
    { entry, args, choice, inherit }: CallRequest,
    { record, thread, number }: Requester,
  ): Promise<CallAnswer> {
    const { frames, authorizer } = this.#kernel
    authorizer.checkFrame('funcs', record, { choice, inherit })
    if (authorizer.governs(record)) authorizer.check(record, 'funcs.call', entry)
    authorizer.checkPoliciesExist(choice)
    const { pool, inline, sealed } = this.#callee(entry)
    const overlay = frames.overlay({ frame: record.frame, thread: thread.number }, choice, pool.pin, inherit)
    const frame = frames.forCall(record.frame, overlay, choice, inherit)
    const work = { thread, frame: record.frame, inherit }
    noteClaim(work, frame)
    const depth = depthOf(record)
    checkDepth(entry, depth)
    const { network: own } = thread
    const network = this.#kernel.networks.ofCall(frame, own, record.pid)
    const isOwn = network.key === own?.key
    // A nested call must not wait for a thread that its enclosing calls may hold: it runs in the thread of its caller,
    // which waits. In another network it gets a thread of its own, and so does a sealed function in any. No function
    // runs inline in the main thread, because that is the kernel's.
    const isNested = depth > 0 && !sealed && pool.isFull(network)
    if (isOwn && ((inline && thread.number !== 0) || isNested)) {
      return { run: this.#besideCaller(pool, frame, record, thread), inline: inline && pool.pin === undefined }
    }
    if (!isOwn) checkCrossing(args, 'args')
    if (sealed) checkEncodable(args, 'args')
    const span = sealedSpan(work, () => callStart(entry))
    const pending = this.#pendingOf(thread)
    try {
      const call = new PoolCall({
        frame: frames.inTrace(frame, sealedPlace(work, span)),
        network,
        args,
        caller: record,
      })
      pool.run(call, depth > 0)
      pending.set(number, { pool, call })
      const value = await call.value
      if (!isOwn) checkCrossing(value, 'value', true)
      span?.end()
      return { value }
    } catch (error) {
      span?.end(error)
      throw error
    } finally {
      pending.delete(number)
    }
  }

  #pendingOf(thread: Thread): Map<number, Pending> {
    const known = this.#pending.get(thread)
    if (known !== undefined) return known
    const pending = new Map<number, Pending>()
    this.#pending.set(thread, pending)
    return pending
  }

  /**
   * Lets the caller's thread run a call. If the call does not end within its deadline and a grace period, the thread is
   * ended, provided that it belongs to a pool.
   */
  #besideCaller({ entry, program }: Pool, frame: Frame, caller: ProcessRecord, thread: Thread): StartCall {
    let overdue: Timer | undefined
    const { pid } = beginCall(this.#kernel, {
      entry,
      frame,
      thread,
      caller,
      onEnd: () => {
        stopTimer(overdue)
      },
    })
    if (frame.deadline !== undefined) {
      overdue = startTimer(
        () => {
          const error = new TroupeError(
            'Unavailable',
            `its thread was ended: ${entry}, which it called, did not return`,
          )
          for (const { pool } of this.#callees.values()) pool.kill(thread, error)
          for (const pool of this.#leaving) pool.kill(thread, error)
        },
        frame.deadline - Date.now() + this.#grace,
      ).unref()
    }
    return { pid, program, frame }
  }

  #callee(entry: EntryId): Callee {
    const known = this.#callees.get(entry)
    if (known !== undefined) return known
    const { fields, meta } = this.#kernel.registry.decode(entry, functionKind)
    const inline = fields.pool === 'inline'
    const pool = new Pool({
      kernel: this.#kernel,
      entry,
      program: { entry, module: this.#kernel.code.url(entry, fields.source), method: fields.method },
      pin: meta.options?.network,
      settings: fields.pool === 'inline' ? defaultPool : fields.pool,
      grace: this.#grace,
    })
    const callee = { pool, inline, sealed: fields.pool !== 'inline' && isSealed(fields.pool) }
    this.#callees.set(entry, callee)
    return callee
  }
}
