/** Work that a worker thread still does when it ends by itself: one listener for all callers. */
import { isMainThread } from 'node:worker_threads'

const works = new Set<() => void>()

/**
 * Runs `work` when this thread ends. Returns a function that cancels this. In the main thread nothing waits for others:
 * the work is done at once, or not at all.
 */
export function atExit(work: () => void): () => void {
  if (isMainThread) return () => undefined
  if (works.size === 0) process.on('exit', workAll)
  works.add(work)
  return () => {
    works.delete(work)
    if (works.size === 0) process.off('exit', workAll)
  }
}

function workAll(): void {
  for (const work of works) work()
}
