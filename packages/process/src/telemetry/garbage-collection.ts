/** Counts the garbage collections of this thread, where the application has metrics. Without it, V8 reports none. */
import { countGc, type GcKind } from '@troupe/core'
import { constants } from 'node:perf_hooks'

const kinds: ReadonlyMap<unknown, GcKind> = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
])

let observer: PerformanceObserver | undefined
/** Those who count in this thread: the program's may have several applications. */
let users = 0

/** Counts from now on, until the result is disposed of. */
export function observeGc(): AsyncDisposable {
  users += 1
  if (observer === undefined) {
    observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const kind = kinds.get(kindIn(Reflect.get(entry, 'detail')))
        if (kind !== undefined) countGc(kind, entry.duration)
      }
    })
    observer.observe({ entryTypes: ['gc'] })
  }
  let isOver = false
  return {
    [Symbol.asyncDispose]: async () => {
      if (isOver) return
      isOver = true
      users -= 1
      if (users > 0) return
      observer?.disconnect()
      observer = undefined
    },
  }
}

function kindIn(detail: unknown): unknown {
  return typeof detail === 'object' && detail !== null && 'kind' in detail ? detail.kind : undefined
}
