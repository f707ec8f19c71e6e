/** What a thread does before it ends. The kernel waits for it where a word of shared memory is set. */
type LastWork = () => Promise<void> | undefined

/** One word, set when an addon is loaded in this thread, or when it has something to do at its end. */
let word: Int32Array<SharedArrayBuffer> | undefined
let work: LastWork | undefined

/** Sets the word that the kernel reads, whatever this thread is doing. */
export function setEndWord(next: Int32Array<SharedArrayBuffer>): void {
  word = next
}

/** From now on the kernel waits for the end of this thread. */
export function holdEnd(): void {
  if (word !== undefined) Atomics.store(word, 0, 1)
}

/** Sets what this thread does before it ends. */
export function beforeEnd(next: LastWork): void {
  work = next
  holdEnd()
}

/** Does it; `undefined` where there is nothing to do. */
export function doLastWork(): Promise<void> | undefined {
  return work?.()
}
