/** Programs that fail, each in its own way. */
import type { Pid } from '@troupe/core'
import { processes, self } from '@troupe/process'

/** Throws at once, with a cause and a field of its own. */
export function atOnce() {
  throw Object.assign(new RangeError('far', { cause: new TypeError('near') }), { code: 'E_FAR' })
}

/** Returns, and throws afterwards. */
export function afterwards() {
  setTimeout(() => {
    throw new Error('left over')
  })
}

/** Returns, and rejects afterwards. */
export function rejectsAfterwards() {
  setTimeout(() => {
    void Promise.reject(new Error('left over'))
  })
}

/** Spawns another in its own thread, which fails. */
export async function parent() {
  await processes.exited(await processes.spawn('app:fail.atOnce', 'app:host'))
}

/** Ends with its thread. */
export function exits() {
  process.exit(3)
}

/** Returns what cannot be carried. */
export function returnsOddly() {
  return { run: () => 5 }
}

/** Is cancelled in the middle of a wait. */
export async function waits() {
  await self.receive()
}

/** Sends more than is read, and fails while its messages wait. */
export function overfills(to: Pid): never {
  for (let n = 0; n < 3000; n += 1) processes.send(to, 'x', n).catch(() => undefined)
  throw new RangeError('far')
}

/** Reads nothing. */
export async function deaf() {
  await new Promise(() => undefined)
}
