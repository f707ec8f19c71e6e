/** Programs in whose threads native code works. */
import { pbkdf2 } from 'node:crypto'
import { createServer } from 'node:net'

/** Takes some tenths of a second. */
const rounds = 300_000

/** What tests see of the work: whether it has begun, and whether it has ended. */
export const begun = 0
export const ended = 1

/** An addon is loaded, and what it began still works while timers and a server keep the thread running. */
export async function work(slots: Int32Array<SharedArrayBuffer>, mayEnd: boolean): Promise<void> {
  loadAddon()
  setInterval(() => undefined, 10)
  setTimeout(() => undefined, 1_000_000)
  createServer().listen(0, '127.0.0.1')
  pbkdf2('password', 'salt', rounds, 32, 'sha512', () => {
    Atomics.store(slots, ended, 1)
  })
  Atomics.store(slots, begun, 1)
  Atomics.notify(slots, begun)
  if (!mayEnd) await Promise.withResolvers<void>().promise
}

/** Loads an addon, and does not come back to the event loop. */
export function loop(slots: Int32Array<SharedArrayBuffer>): void {
  loadAddon()
  Atomics.store(slots, begun, 1)
  Atomics.notify(slots, begun)
  for (;;) performance.now()
}

/** That there is none makes no difference: it was about to run. */
function loadAddon(): void {
  try {
    process.dlopen({ exports: {} }, '/nowhere/addon.node')
  } catch {
    // As expected.
  }
}
