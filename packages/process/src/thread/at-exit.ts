/** What a worker thread still does when it ends by itself: one listener for all who have something to say. */
import { isMainThread } from 'node:worker_threads'

const works = new Set<() => void>()

/** Has `work` done when this thread ends. Returns what calls that off. In the main thread nothing waits for others: it is done at once, or not. */
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
