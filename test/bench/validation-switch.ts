/**
 * Whether messages of threads are validated in this process: one word for all its threads, which only this benchmark
 * has.
 */
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads'

const key = 'troupe.bench.validation'
if (isMainThread) setEnvironmentData(key, new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
const memory: unknown = getEnvironmentData(key)
const word = new Int32Array(memory instanceof SharedArrayBuffer ? memory : new SharedArrayBuffer(4))

/** Whether messages are not validated. */
export function isOff(): boolean {
  return word[0] === 1
}

export function validate(on: boolean): void {
  word[0] = on ? 0 : 1
}
