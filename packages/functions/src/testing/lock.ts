/** A gate in shared memory: a test sees how many calls arrived at it in other threads, and lets them continue. */
const opened = 0
const arrived = 1

export function newLock(): SharedArrayBuffer {
  return new SharedArrayBuffer(8)
}

export class Lock {
  readonly #words: Int32Array<SharedArrayBuffer>

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory)
  }

  arrive(): void {
    Atomics.add(this.#words, arrived, 1)
    Atomics.notify(this.#words, arrived)
  }

  open(): void {
    Atomics.store(this.#words, opened, 1)
    Atomics.notify(this.#words, opened)
  }

  get arrivals(): number {
    return Atomics.load(this.#words, arrived)
  }

  /** Settles when `count` calls have arrived. */
  async arrivedBy(count: number): Promise<void> {
    while (this.arrivals < count) await this.#changed(arrived, this.arrivals, count)
  }

  async opened(): Promise<void> {
    while (Atomics.load(this.#words, opened) === 0) await this.#changed(opened, 0, 1)
  }

  async #changed(word: number, from: number, until: number): Promise<void> {
    if (from >= until) return
    const change = Atomics.waitAsync(this.#words, word, from)
    // A wait alone does not keep a thread alive.
    const alive = setInterval(() => undefined, 1000)
    if (change.async) await change.value
    clearInterval(alive)
  }
}
