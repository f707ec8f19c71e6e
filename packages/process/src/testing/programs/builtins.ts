/** Programs that replace what JavaScript brings, as careless polyfills and instrumentations do. */
import { self } from '../../api/self.ts'
import { processes } from '../../index.ts'

const nothing = () => undefined
const throws = () => {
  throw new Error('a requested failure')
}

function replace(holder: object, key: PropertyKey, value: unknown): void {
  Reflect.set(holder, key, value)
}

const operations: Readonly<Record<string, () => void>> = {
  push: () => replace(Array.prototype, 'push', nothing),
  splice: () => replace(Array.prototype, 'splice', throws),
  map: () => replace(Array.prototype, 'map', throws),
  iterator: () => replace(Array.prototype, Symbol.iterator, throws),
  set: () => replace(Map.prototype, 'set', nothing),
  get: () => replace(Map.prototype, 'get', nothing),
  delete: () => replace(Map.prototype, 'delete', throws),
  add: () => replace(Set.prototype, 'add', nothing),
  weak: () => replace(WeakMap.prototype, 'get', throws),
  Promise: () => replace(globalThis, 'Promise', nothing),
  // oxlint-disable-next-line unicorn/no-thenable -- The name of an operation.
  then: () => replace(Promise.prototype, 'then', nothing),
  withResolvers: () => replace(Promise, 'withResolvers', undefined),
  keys: () => replace(Object, 'keys', throws),
  apply: () => replace(Reflect, 'apply', nothing),
  nextTick: () => replace(process, 'nextTick', nothing),
  abort: () => replace(globalThis, 'AbortController', nothing),
}

/** Breaks one, and continues. */
export async function breaks(what: string, other: string): Promise<unknown> {
  operations[what]?.()
  return processes.call(other, 'ask')
}

/** Breaks one, and waits for messages. */
export async function breaksAndWaits(what: string): Promise<void> {
  operations[what]?.()
  for await (const message of self.inbox) message.reply('got')
}

/** Breaks one, and returns. */
export function breaksAndReturns(what: string): string {
  operations[what]?.()
  return 'returned'
}

/** Replaces some by what does the same, as instrumentations do. */
export async function replaces(other: string): Promise<unknown> {
  for (const [holder, key] of [
    [Array.prototype, 'push'],
    [Map.prototype, 'set'],
    [Promise.prototype, 'then'],
  ] as const) {
    const was: unknown = Reflect.get(holder, key)
    if (typeof was !== 'function') continue
    replace(holder, key, function same(this: unknown, ...args: readonly unknown[]): unknown {
      const value: unknown = Reflect.apply(was, this, args)
      return value
    })
  }
  replace(globalThis, 'Promise', class extends Promise<unknown> {})
  await new Promise((resolve) => {
    setTimeout(resolve, 300)
  })
  return processes.call(other, 'ask')
}
