/**
 * Profiles of threads, taken from outside: V8 samples a thread whatever it does, even while it loops. Code in the
 * thread takes no part in it.
 */
import { asTroupeError, invalid, startTimer, TroupeError, unavailable, withDeadline } from '@troupe/core'
import type { Readable } from 'node:stream'
import { getHeapSnapshot, startCpuProfile } from 'node:v8'
import type { Worker } from 'node:worker_threads'
import type { Thread } from './thread.ts'

/** Milliseconds that a thread may take to begin or to end a profile: native code of it may run. */
const patience = 30_000
/** Milliseconds between two samples. */
const sampleInterval = 1
/** Maximum number of samples: those of two minutes of work. */
const maxBufferSize = 120_000

/**
 * Samples what a thread runs. Returns the JSON of a `.cpuprofile`.
 *
 * @throws TroupeError `Invalid` for a thread that Node cannot profile, `Unavailable` when it ends meanwhile, `Timeout`
 *   when native code keeps it busy.
 */
export async function cpuProfile(thread: Thread, milliseconds: number): Promise<string> {
  const options = { sampleInterval, maxBufferSize }
  if (thread.number === 0) {
    const handle = startCpuProfile(options)
    await pause(milliseconds)
    return handle.stop()
  }
  const worker = workerOf(thread, 'a CPU profile')
  return profiling(thread, async () => {
    const handle = await inTime(worker.startCpuProfile(options), thread)
    await pause(milliseconds)
    return inTime(handle.stop(), thread)
  })
}

/**
 * Returns the JSON of a `.heapsnapshot`: all objects of a thread, with the secrets in them. The thread stands still
 * meanwhile.
 *
 * @throws TroupeError like {@link cpuProfile}.
 */
export async function heapSnapshot(thread: Thread): Promise<Readable> {
  // That of the main thread is taken at once.
  if (thread.number === 0) return getHeapSnapshot()
  const worker = workerOf(thread, 'a heap snapshot')
  return profiling(thread, async () => inTime(worker.getHeapSnapshot(), thread))
}

function workerOf({ number, isolated, worker }: Thread, what: string): Worker {
  if (isolated)
    throw invalid(`thread ${number} is an operating-system process: Node takes ${what} of threads of the program only`)
  if (worker !== undefined) return worker
  throw invalid(`thread ${number} has not begun to work: repeat it when it has`)
}

/** The end of the program does not wait for it. */
async function pause(milliseconds: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  startTimer(resolve, milliseconds).unref()
  await promise
}

async function inTime<T>(work: Promise<T>, { number }: Thread): Promise<T> {
  return withDeadline(
    work,
    patience,
    () => new TroupeError('Timeout', `thread ${number} runs native code: it did not react within ${patience} ms`),
  )
}

async function profiling<T>({ number }: Thread, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    const { code } = cause instanceof Error && 'code' in cause ? cause : { code: undefined }
    if (code === 'ERR_WORKER_NOT_RUNNING') throw unavailable(`thread ${number} has ended`)
    throw asTroupeError(cause)
  }
}
