/** A thread that dials: it opens connections at once by the given route, and reports what each received. */
import { parentPort, workerData } from 'node:worker_threads'
import { dial, type Route } from '@troupe/network'

/** The data that the thread gets. */
export interface DialerTask {
  readonly route: Route
  readonly host: string
  /** What each connection sends, and expects to receive back. */
  readonly words: readonly string[]
}

const task: unknown = workerData
if (isTask(task)) parentPort?.postMessage(await Promise.all(task.words.map(async (word) => echoed(task, word))))

async function echoed({ route, host }: DialerTask, word: string): Promise<string> {
  const socket = await dial(route, { host, port: 80 })
  socket.on('error', () => undefined).write(word)
  let heard = ''
  for await (const chunk of socket) {
    heard += String(chunk)
    if (heard.length >= word.length) break
  }
  return heard
}

function isTask(value: unknown): value is DialerTask {
  return typeof value === 'object' && value !== null && 'route' in value && 'words' in value
}
