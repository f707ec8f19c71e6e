/** The thread in which the kernel itself runs. */
import { ownCounters } from '@troupe/core'
import { performance } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import type { Resources } from './resources.ts'
import { Thread } from './thread.ts'

const microseconds = 1000

export class MainThread extends Thread {
  override get counters(): Float64Array {
    return ownCounters()
  }

  override async resources(): Promise<Resources> {
    const { used_heap_size: heapUsed, heap_size_limit: heapLimit } = getHeapStatistics()
    const { user, system } = process.threadCpuUsage()
    const { utilization, active: busy, idle } = performance.eventLoopUtilization()
    return { heapUsed, heapLimit, cpu: (user + system) / microseconds, utilization, busy, idle }
  }
}
