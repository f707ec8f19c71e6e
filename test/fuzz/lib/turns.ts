/**
 * Turns of the event loop that took long, by the thread that they were for: processor time of this thread alone, so
 * that other load on the machine does not matter. What it takes to start threads and to collect garbage is not
 * counted, because it is this program's own.
 */
import { createHook, executionAsyncResource } from 'node:async_hooks'
import { PerformanceObserver } from 'node:perf_hooks'
import { ChildPort } from '../../../packages/process/src/host/process/child-port.ts'
import { Channel } from '../../../packages/process/src/channel/channel.ts'
import { Thread } from '../../../packages/process/src/worker-threads/thread.ts'
import { ThreadTable } from '../../../packages/process/src/worker-threads/thread-table.ts'

export interface LongTurn {
  /** The thread that it was for; `undefined` for work of the program itself. */
  readonly thread: number | undefined
  /** Milliseconds of processor time. */
  readonly took: number
}

interface Turn extends LongTurn {
  readonly from: number
  readonly to: number
}

/** Milliseconds on the processor that this thread has used. */
function used(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

export class TurnWatch {
  readonly #limit: number
  /** The threads of ports and pipes, by the object that Node calls back for. */
  readonly #ends = new WeakMap<object, number>()
  /** The threads of what was begun for them, by its number in `async_hooks`. */
  readonly #begun = new Map<number, number>()
  readonly #collections: { readonly from: number; readonly to: number }[] = []
  #long: Turn[] = []
  #thread: number | undefined
  #depth = 0
  /** The microtask that takes the end of the turn. */
  #mark: 'none' | 'queued' | 'taken' = 'none'
  #since = used()
  #from = performance.now()
  /** Processor time of this turn that was spent on the start of threads. */
  #starting = 0
  turns = 0

  /** @param limit - Milliseconds from which a turn is long. */
  constructor(limit: number) {
    this.#limit = limit
    this.#watchEnds()
    createHook({
      init: (id, type) => {
        if (this.#thread !== undefined && type !== 'PROMISE') this.#begun.set(id, this.#thread)
      },
      before: (id) => {
        if (this.#depth === 0 && this.#mark === 'none') this.#begin(id)
        this.#depth += 1
      },
      after: () => {
        this.#depth -= 1
        if (this.#depth === 0) this.#over()
      },
      destroy: (id) => {
        this.#begun.delete(id)
      },
    }).enable()
    new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries())
        this.#collections.push({ from: startTime, to: startTime + duration })
    }).observe({ entryTypes: ['gc'] })
  }

  /** Returns the long turns since the last call. */
  async take(): Promise<readonly LongTurn[]> {
    // By then the observer has its entries.
    await new Promise((resolve) => setTimeout(resolve, 5))
    const long = this.#long
    this.#long = []
    const net = long.map(({ thread, took, from, to }) => ({ thread, took: took * (1 - this.#collecting(from, to)) }))
    this.#collections.length = 0
    return net.filter(({ took }) => took > this.#limit)
  }

  /** The part of a turn in which garbage was collected: of its time by the clock, as nothing else is known of it. */
  #collecting(from: number, to: number): number {
    let sum = 0
    for (const part of this.#collections) sum += Math.max(0, Math.min(to, part.to) - Math.max(from, part.from))
    return Math.min(1, sum / (to - from))
  }

  /** What Node did since the last turn, such as decoding a message, was for this one. */
  #begin(id: number): void {
    const resource: unknown = executionAsyncResource()
    const known = typeof resource === 'object' && resource !== null ? this.#ends.get(resource) : undefined
    this.#thread = known ?? this.#begun.get(id)
    this.turns += 1
  }

  /** The end is taken after what the callback has queued: what comes later belongs to what Node reads next. */
  #over(): void {
    if (this.#mark === 'taken') this.#mark = 'none'
    else if (this.#mark === 'none') {
      this.#mark = 'queued'
      queueMicrotask(this.#end)
    }
  }

  readonly #end = (): void => {
    this.#mark = 'taken'
    const [at, now] = [performance.now(), used()]
    const took = now - this.#since - this.#starting
    if (took > this.#limit) this.#long.push({ thread: this.#thread, took, from: this.#from, to: at })
    this.#thread = undefined
    this.#starting = 0
    this.#since = now
    this.#from = at
  }

  #watchEnds(): void {
    const mark = (end: unknown, thread: unknown) => {
      if (typeof end === 'object' && end !== null) this.#ends.set(end, Number(thread))
    }
    const apart = (_: object, __: readonly unknown[], work: () => unknown): unknown => {
      const before = used()
      try {
        return work()
      } finally {
        this.#starting += used() - before
      }
    }
    around(Thread.prototype, 'read', (thread, [port], work) => {
      mark(port, Reflect.get(thread, 'number'))
      return work()
    })
    around(Channel.prototype, 'open', (channel, [port], work) => {
      mark(port, Reflect.get(channel, 'thread'))
      return work()
    })
    around(ChildPort.prototype, 'attach', (_, [, up], work) => {
      // Its number is not known here: it is no thread of this program.
      mark(Reflect.get(Object(up), '_handle'), Number.POSITIVE_INFINITY)
      return work()
    })
    around(ThreadTable.prototype, 'start', apart)
    around(ThreadTable.prototype, 'startProcess', apart)
  }
}

type Around = (self: object, args: readonly unknown[], work: () => unknown) => unknown

/** Puts `wrapped` around a method of a class. */
function around(prototype: object, name: string, wrapped: Around): void {
  const own: unknown = Reflect.get(prototype, name)
  if (typeof own !== 'function') throw new Error(`there is no method ${name}`)
  Object.defineProperty(prototype, name, {
    configurable: true,
    value(this: object, ...args: unknown[]): unknown {
      return wrapped(this, args, (): unknown => Reflect.apply(own, this, args))
    },
  })
}
