/**
 * Finds what this thread has started outside of any application and that still runs: threads and child processes, whose
 * connections the guard does not cover.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Worker } from 'node:worker_threads'
import { preparedThread } from '@troupe/process/prepare'
import { z } from 'zod'
import { report } from './open-connections.ts'

const channel = 'worker_threads'
/** A running thread or process: its handle exists for a while after its end. */
const child = z.object({ type: z.literal('process'), pid: z.number(), is_active: z.literal(true) })

/** Node's own function, before there is a guard; `undefined` in a Node without inspector. */
const inspector = inspectorOfNode()

/** Threads since this module was loaded: Node itself does not report one that is still starting. */
const started = new Set<Worker>()

function note(message: unknown): void {
  const worker = typeof message === 'object' && message !== null && 'worker' in message ? message.worker : undefined
  if (!(worker instanceof Worker)) return
  started.add(worker)
  worker.once('exit', () => started.delete(worker))
}

subscribe(channel, note)

function inspectorOfNode() {
  try {
    const { Session } = process.getBuiltinModule('node:inspector')
    const post: unknown = Reflect.get(Session.prototype, 'post')
    return typeof post === 'function' ? { Session, post } : undefined
  } catch {
    return undefined
  }
}

/** Returns a description of the running threads and child processes. */
export function runningOutside(): readonly string[] {
  const threads = new Map(Array.from(started, ({ threadId }) => [threadId, `thread ${threadId}`]))
  const { libuv, workers } = report()
  // Without the inspector, Node's own threads cannot be distinguished from others.
  const known = inspectedThreads() ?? workers.map(({ header }) => ({ id: header.threadId, url: '' }))
  for (const { id, url } of known) {
    if (url.startsWith('node:')) threads.delete(id)
    else threads.set(id, URL.canParse(url) ? `thread ${id}, ${url}` : `thread ${id}`)
  }
  const own = preparedThread()
  if (own !== undefined) threads.delete(own)
  const children = libuv.flatMap((handle) => child.safeParse(handle).data ?? [])
  return [...threads.values(), ...children.map(({ pid }) => `child process ${pid}`)]
}

/** Stops tracking: this thread now has an application, and starts no threads outside of it. */
export function forgetThreads(): void {
  unsubscribe(channel, note)
  started.clear()
}

/**
 * Uses the inspector, which also knows earlier threads. Node's own, such as that of `module.register`, have a URL of
 * Node's. Returns `undefined` when there is no inspector, or no permission to use it.
 */
function inspectedThreads(): readonly { readonly id: number; readonly url: string }[] | undefined {
  if (inspector === undefined) return undefined
  const found: { readonly id: number; readonly url: string }[] = []
  try {
    const session = new inspector.Session()
    session.connect()
    session.on('NodeWorker.attachedToWorker', ({ params: { workerInfo } }) => {
      found.push({ id: Number(workerInfo.workerId), url: workerInfo.url })
    })
    Reflect.apply(inspector.post, session, ['NodeWorker.enable', { waitForDebuggerOnStart: false }])
    Reflect.apply(inspector.post, session, ['NodeWorker.disable'])
    session.disconnect()
    return found
  } catch {
    return undefined
  }
}
