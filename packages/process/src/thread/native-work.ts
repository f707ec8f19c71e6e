/** Native code that is still running when its thread is to end: ending the thread then ends the whole program. */
import { startInterval, startTimer, stopTimer } from '@troupe/core'
import { nativePatience } from '../worker-threads/native-timeout.ts'
import { doLastWork, holdEnd, setEndWord } from './last-work.ts'
import type { KernelClient } from './kernel-client.ts'
import type { Peers } from './messaging/peers.ts'
import { unrefAll } from './unref-all.ts'

/** Milliseconds between two checks for work that the thread's code has started in the meantime. */
const interval = 50

let hasAddons = false

/** From now on the loading of addons in this thread is recorded. */
export function watchAddons(word: SharedArrayBuffer): void {
  setEndWord(new Int32Array(word))
  const load: unknown = Reflect.get(process, 'dlopen')
  if (typeof load !== 'function') return
  Reflect.set(process, 'dlopen', (...args: readonly unknown[]): unknown => {
    holdEnd()
    hasAddons = true
    const loadedAs: unknown = Reflect.apply(load, process, args)
    return loadedAs
  })
}

/**
 * Does the last work of this thread, and settles when no native code runs in it, or after a time. Returns `undefined`
 * if there is nothing to wait for. From then on nothing else keeps the loop of the thread running, whatever its code
 * does: there is no other way to detect native work.
 */
export function nativeWork(kernel: KernelClient, peers: Peers): Promise<void> | undefined {
  const last = doLastWork()
  if (last === undefined) return addonWork(kernel, peers)
  return last.then(async () => addonWork(kernel, peers))
}

function addonWork(kernel: KernelClient, peers: Peers): Promise<void> | undefined {
  if (!hasAddons) return undefined
  kernel.hold(false)
  peers.unref()
  unrefAll()
  const { promise, resolve } = Promise.withResolvers<void>()
  const end = () => {
    process.off('beforeExit', end)
    stopTimer(looks)
    stopTimer(late)
    resolve()
  }
  const looks = startInterval(unrefAll, interval).unref()
  const late = startTimer(end, nativePatience).unref()
  process.once('beforeExit', end)
  return promise
}

/** The thread is to be ended: notifies the kernel when it may be. */
export async function settle(kernel: KernelClient, peers: Peers): Promise<void> {
  kernel.notify({ type: 'settling' })
  await nativeWork(kernel, peers)
  kernel.hold(true)
  kernel.notify({ type: 'settled' })
}
