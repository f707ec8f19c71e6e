/**
 * A worker that loads the runtime while the program itself loads the kernel. The program starts it first, so this
 * module loads nothing else of the kernel.
 */
import { Worker } from 'node:worker_threads'
import { threadEnvironment } from '../kernel/thread-environment.ts'
import { makeLoopsStoppable } from './stoppable-loops.ts'

/** A worker that waits for its data. */
export interface PreparedWorker {
  readonly worker: Worker
  /** Settles when it has loaded the runtime, and when it has ended. */
  readonly loaded: Promise<void>
}

interface Waiting extends PreparedWorker {
  readonly env: NodeJS.ProcessEnv
}

/** Source files run as they are; built files are JavaScript. */
const extension = import.meta.filename.endsWith('.ts') ? '.ts' : '.js'
export const threadMain = new URL(`../thread/main${extension}`, import.meta.url)
const preparedMain = new URL(`../thread/prepared${extension}`, import.meta.url)

/** Modules of Node that the kernel loads. */
const ofKernel = [
  ...['node:v8', 'node:net', 'node:dns', 'node:os', 'node:tty', 'node:module', 'node:async_hooks', 'node:perf_hooks'],
  ...['node:diagnostics_channel', 'node:stream/web', 'node:fs/promises', 'node:timers/promises'],
]

let waiting: Waiting | undefined

/**
 * Starts a worker for the first thread that is started without options. Call it once, as early as possible.
 *
 * This thread then loads modules of Node before {@link makeLoopsStoppable}, and the worker loads its own after that:
 * compiled again by it, they are ready for all threads after it, while this one does other work.
 */
export function prepareWorker(): void {
  const env = { ...threadEnvironment() }
  const released = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  const worker = new Worker(preparedMain, { workerData: { isPrepared: true, released }, env })
  const { promise: loaded, resolve } = Promise.withResolvers<void>()
  waiting = { worker, env, loaded }
  worker.once('message', () => {
    resolve()
  })
  // Another worker is started instead, and fails with a message that states why.
  worker.once('error', dropPrepared)
  worker.once('exit', () => {
    dropPrepared()
    resolve()
  })
  worker.unref()
  for (const name of ofKernel) process.getBuiltinModule(name)
  makeLoopsStoppable()
  Atomics.store(released, 0, 1)
  Atomics.notify(released, 0)
}

/** Returns the prepared worker, once, if there is one with this environment. */
export function takePrepared(env: NodeJS.ProcessEnv): PreparedWorker | undefined {
  const found = waiting
  if (found === undefined || !isSame(found.env, env)) return undefined
  waiting = undefined
  found.worker.off('error', dropPrepared)
  return found
}

/** Returns the `threadId` of the prepared worker that waits: it runs nothing until the kernel gives it a network. */
export function preparedThread(): number | undefined {
  return waiting?.worker.threadId
}

/** Ends the prepared worker, if no thread has become of it. */
export function dropPrepared(): void {
  const found = waiting
  waiting = undefined
  void found?.worker.terminate()
}

function isSame(one: NodeJS.ProcessEnv, other: NodeJS.ProcessEnv): boolean {
  const names = Object.keys(one)
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name])
}
