/**
 * Where the calls that a thread of a pool was given are told apart into those it has taken up and those it has not: a board in shared memory.
 * The kernel can take one back as long as the thread has not begun it, whatever the thread is busy with.
 */

/** Calls that a board holds: one that runs, and those that wait behind it. */
export const slotCount = 64

const free = 0

export class CallSlots {
  readonly memory: SharedArrayBuffer
  /** In each place the number of the call that waits there; negative, once it was taken up. */
  readonly #places: Int32Array<SharedArrayBuffer>

  constructor(memory = new SharedArrayBuffer(slotCount * Int32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory
    this.#places = new Int32Array(memory)
  }

  /** A call waits in that place from now on. @param number - From 1; another for each call, as far as 31 bits go. */
  post(place: number, number: number): void {
    Atomics.store(this.#places, place, number)
  }

  /** The thread begins a call. Returns false when the kernel has taken it back. */
  takeUp(place: number, number: number): boolean {
    return Atomics.compareExchange(this.#places, place, number, -number) === number
  }

  /** The kernel takes a call back. Returns false when the thread has begun it. */
  withdraw(place: number, number: number): boolean {
    return Atomics.compareExchange(this.#places, place, number, free) === number
  }
}
