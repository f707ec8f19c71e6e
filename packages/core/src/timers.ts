/**
 * Timers for any duration. Node's own timers hold 31 bits of milliseconds, about 25 days, and fire at once for longer
 * times. All other modules use these timers; a lint rule enforces it.
 */

/** The longest time that a Node timer waits, in milliseconds. */
const longest = 0x7fffffff

/** A running timer. As in Node, it keeps the program alive unless it is unreferenced. */
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

  /** Lets the program end while the timer is running. */
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

  /** Restarts the wait. A stopped timer stays stopped. */
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

  /** Waits with several Node timers, one after the other. */
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
 * Calls `then` once after `ms` milliseconds: at once for 0 and less, never for `Infinity`.
 *
 * @param argument Passed to `then`, so that a hot path needs no closure.
 */
export function startTimer(then: () => void, ms: number): Timer
export function startTimer<T>(then: (argument: T) => void, ms: number, argument: T): Timer
export function startTimer<T>(then: (argument: T | undefined) => void, ms: number, argument?: T): Timer {
  return Timer.once(then, ms, argument)
}

/**
 * Like {@link startTimer}, for deadlines on a peer: input that has already arrived is processed before the timer fires.
 * Otherwise a loop that was busy for a long time would take unread input for silence.
 */
export function startDeadline(then: () => void, ms: number): Timer {
  return Timer.deadline(then, ms)
}

/** Calls `then` every `ms` milliseconds; never for `Infinity`. */
export function startInterval(then: () => void, ms: number): Timer {
  return Timer.every(then, ms)
}

/** Stops a timer, if there is one. */
export function stopTimer(timer: Timer | undefined): void {
  timer?.stop()
}

/**
 * Stops the running timers of this thread from keeping its event loop alive. Node counts the timers that keep the loop
 * alive but does not list them, so timers of this module leave that count (`docs/discoveries/0066-work-of-addons.md`).
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

/** Keeps the program alive until the returned timer is stopped. */
export function keepAlive(): Timer {
  return startInterval(() => undefined, longest)
}

/**
 * Limits a time to the 31 bits that settings of Node's own servers and sockets accept. A longer time is practically
 * infinite.
 */
export function nodeTimeout(ms: number): number {
  return Math.min(ms, longest)
}

/**
 * Resolves after `ms` milliseconds.
 *
 * @param signal The promise rejects with its reason when it aborts first.
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
