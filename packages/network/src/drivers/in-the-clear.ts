/**
 * For what drivers and the kernel themselves open on this machine, or to a place that the operator configured: the way there is no overlay's,
 * whatever the network of the thread is.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { unasked } from '../guard/consent.ts'

const own = new AsyncLocalStorage<boolean>()

/** Runs `fn`, and what it starts, in the clear. Nothing that belongs to user code may be opened or called in it: see {@link outOfTheClear}. */
export function inTheClear<T>(fn: () => T): T {
  return own.run(true, () => unasked(fn))
}

/** Runs `fn` in the network of the thread again: what is called back to others from within {@link inTheClear}. */
export function outOfTheClear<T>(fn: () => T): T {
  return own.run(false, fn)
}

/** Whether the code that runs is a driver's or the kernel's own. */
export function isInTheClear(): boolean {
  return own.getStore() === true
}
