/**
 * Timers for any duration. Node's own hold 31 bits of milliseconds, some 25 days, and fire at once for what is longer. All other modules take
 * their timers here; a rule of the linter holds them to it.
 */

/** The longest that a timer of Node waits, in milliseconds. */
const longest = 0x7fffffff

/** A timer that runs. As in Node, it keeps the program alive unless it is unreferenced. */
export class Timer implements Disposable {
  #timeout: NodeJS.Timeout | undefined
  #hasRef = true
  /** Starts the wait of a long timer. */
  #again: (() => void) | undefined
  #immediate: NodeJS.Immediate | undefined

  /** Use {@link startTimer}. */
  static once<T>(then: (argument: T | undefined) => void, ms: number, argument: T | undefined): Timer {
    const timer = new Timer()
    if (ms > longest) timer.#wait(then, ms, argument)
    else timer.#timeout = setTimeout(then, ms, argument)
    return timer
  }

  /** Use {@link startDeadline}. */
  static deadline(then: () => void, ms: number): Timer {
    const timer: Timer = Timer.once(
      () => {
        timer.#immediate = setImmediate(then)
      },
      ms,
      undefined,
    )
    return timer
  }

  /** Use {@link startInterval}. */
  static every(then: () => void, ms: number): Timer {
    const timer = new Timer()
    if (ms > longest) timer.#repeat(then, ms)
    else timer.#timeout = setInterval(then, ms)
    return timer
  }

  /** Lets the program end while the timer runs. */
  unref(): this {
    this.#hasRef = false
    this.#timeout?.unref()
    return this
  }

  hasRef(): boolean {
    return this.#hasRef
  }

  ref(): this {
    this.#hasRef = true
    this.#timeout?.ref()
    return this
  }

  /** Begins to wait anew. A timer that was stopped stays so. */
  refresh(): void {
    if (this.#again === undefined) this.#timeout?.refresh()
    else this.#again()
  }

  stop(): void {
    this.#again = undefined
    clearTimeout(this.#timeout)
    clearImmediate(this.#immediate)
    this.#timeout = undefined
  }

  [Symbol.dispose](): void {
    this.stop()
  }

  /** Waits by several timers of Node's, one after the other. */
  #wait<T>(then: (argument: T | undefined) => void, ms: number, argument: T | undefined): void {
    if (ms === Infinity) return
    const end = performance.now() + ms
    const wait = (): void => {
      const left = Math.max(0, end - performance.now())
      const timeout = left > longest ? setTimeout(wait, longest) : setTimeout(then, left, argument)
      this.#timeout = this.#hasRef ? timeout : timeout.unref()
    }
    this.#again = () => {
      clearTimeout(this.#timeout)
      this.#wait(then, ms, argument)
    }
    wait()
  }

  #repeat(then: () => void, ms: number): void {
    const due = (): void => {
      this.#repeat(then, ms)
      then()
    }
    this.#wait(due, ms, undefined)
  }
}

/**
 * Calls `then` once, in `ms` milliseconds: at once for 0 and less, never for `Infinity`.
 *
 * @param argument What `then` is called with, so that a hot path needs no closure.
 */
export function startTimer(then: () => void, ms: number): Timer
export function startTimer<T>(then: (argument: T) => void, ms: number, argument: T): Timer
export function startTimer<T>(then: (argument: T | undefined) => void, ms: number, argument?: T): Timer {
  return Timer.once(then, ms, argument)
}

/**
 * Like {@link startTimer}, for waits on others: what has come by then is read first. A loop that was busy for long would else take for silence
 * what it has not looked at yet.
 */
export function startDeadline(then: () => void, ms: number): Timer {
  return Timer.deadline(then, ms)
}

/** Calls `then` each `ms` milliseconds; never for `Infinity`. */
export function startInterval(then: () => void, ms: number): Timer {
  return Timer.every(then, ms)
}

/** Stops a timer, if there is one. */
export function stopTimer(timer: Timer | undefined): void {
  timer?.stop()
}

/**
 * No timer of this thread keeps its event loop running from now on, of those that run. Node counts the timers for which the loop runs, and lists
 * them nowhere: one of ours takes each off that count (`docs/discoveries/0066-work-of-addons.md`).
 */
export function unrefTimers(): void {
  const probe = setTimeout(() => undefined, longest).unref()
  const mark = Object.getOwnPropertySymbols(probe).find(({ description }) => description === 'refed')
  const count = process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
  for (let left = mark === undefined ? 0 : count; left > 0; left -= 1) {
    Reflect.set(probe, mark ?? '', true)
    probe.unref()
  }
  clearTimeout(probe)
}

/** Keeps the program alive until it is stopped. */
export function keepAlive(): Timer {
  return startInterval(() => undefined, longest)
}

/** A time for those settings of Node's own servers and sockets that hold 31 bits: what is longer is as good as never. */
export function nodeTimeout(ms: number): number {
  return Math.min(ms, longest)
}

/**
 * Settles in `ms` milliseconds.
 *
 * @param signal Rejects with its reason when it aborts before.
 */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const onAbort = () => {
    reject(signal?.reason)
  }
  const timer = startTimer(resolve, ms)
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    await promise
  } finally {
    timer.stop()
    signal?.removeEventListener('abort', onAbort)
  }
}
