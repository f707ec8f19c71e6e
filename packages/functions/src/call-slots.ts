/**
 * A board in shared memory with the calls that a thread of a pool was given. It records which of them the thread has
 * begun. The kernel can withdraw a call until the thread begins it, whatever the thread is doing.
 */

/** Number of calls on a board: one that runs, and those that wait behind it. */
export const slotCount = 64

const free = 0

/** One side of the board. */
export class CallSlots {
  readonly memory: SharedArrayBuffer
  /** Each place holds the number of the call that waits there; negative once it was taken up. */
  readonly #places: Int32Array<SharedArrayBuffer>

  constructor(memory = new SharedArrayBuffer(slotCount * Int32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory
    this.#places = new Int32Array(memory)
  }

  /** Posts a call at that place. @param number - From 1; a different number for each call, within 31 bits. */
  post(place: number, number: number): void {
    Atomics.store(this.#places, place, number)
  }

  /** The thread begins a call. Returns false when the kernel has withdrawn it. */
  takeUp(place: number, number: number): boolean {
    return Atomics.compareExchange(this.#places, place, number, -number) === number
  }

  /** Returns whether the thread has not begun the call yet. */
  isWaiting(place: number, number: number): boolean {
    return Atomics.load(this.#places, place) === number
  }

  /** The kernel withdraws a call. Returns false when the thread has begun it. */
  withdraw(place: number, number: number): boolean {
    return Atomics.compareExchange(this.#places, place, number, free) === number
  }
}
