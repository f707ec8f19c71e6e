/** What this thread has started outside of any application, and still runs: threads and child processes, whose connections nothing here covers. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Worker } from 'node:worker_threads'
import { z } from 'zod'
import { report } from './open-connections.ts'

const channel = 'worker_threads'
/** One that runs: its handle is there for a while after its end. */
const child = z.object({ type: z.literal('process'), pid: z.number(), is_active: z.literal(true) })

/** As Node has it, before there is a guard; nothing in a Node without one. */
const inspector = inspectorOfNode()

/** Threads since this module was loaded: Node itself does not tell of one that is only starting. */
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

/** Threads and child processes that are there, in words. */
export function runningOutside(): readonly string[] {
  const threads = new Map(Array.from(started, ({ threadId }) => [threadId, `thread ${threadId}`]))
  const { libuv, workers } = report()
  // Without the inspector, Node's own threads look like any others.
  const known = inspectedThreads() ?? workers.map(({ header }) => ({ id: header.threadId, url: '' }))
  for (const { id, url } of known) {
    if (url.startsWith('node:')) threads.delete(id)
    else threads.set(id, URL.canParse(url) ? `thread ${id}, ${url}` : `thread ${id}`)
  }
  const children = libuv.flatMap((handle) => child.safeParse(handle).data ?? [])
  return [...threads.values(), ...children.map(({ pid }) => `child process ${pid}`)]
}

/** From now on this thread starts none: it has an application. */
export function forgetThreads(): void {
  unsubscribe(channel, note)
  started.clear()
}

/**
 * By the inspector, which knows those from before, too; Node's own, such as that of `module.register`, have a URL of Node's. `undefined` where
 * there is no inspector, or no permission to use it.
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
