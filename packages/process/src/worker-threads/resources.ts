/** What a worker thread uses, as Node reports it from outside, even while the thread is busy. */
import type { Worker } from 'node:worker_threads'

/** What a thread uses. */
export interface Resources {
  /** Bytes of its heap that are in use, and the maximum. */
  readonly heapUsed: number
  readonly heapLimit: number
  /** Processor time in milliseconds since its start; `undefined` where Node does not tell it. */
  readonly cpu: number | undefined
  /** Part of the time since its start for which its event loop was busy: 0 to 1. */
  readonly utilization: number
  /** Milliseconds for which its event loop was busy, since its start. */
  readonly busy: number
  /** Milliseconds for which its event loop waited, since its start. */
  readonly idle: number
}

const microseconds = 1000

/** Returns what a worker uses; `undefined` when it has ended. */
export async function resourcesOf(worker: Worker): Promise<Resources | undefined> {
  try {
    const [heap, cpu] = await Promise.all([worker.getHeapStatistics(), cpuOf(worker)])
    const { utilization, active: busy, idle } = worker.performance.eventLoopUtilization()
    return { heapUsed: heap.used_heap_size, heapLimit: heap.heap_size_limit, cpu, utilization, busy, idle }
  } catch {
    // It ended meanwhile.
    return undefined
  }
}

async function cpuOf(worker: Worker): Promise<number> {
  const { user, system } = await worker.cpuUsage()
  return (user + system) / microseconds
}
