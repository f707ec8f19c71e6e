/** What a thread of a pool receives when it begins to work for one, before any code of the application runs. */
import type { ThreadData } from '@troupe/process'
import type { Service } from '../protocol.ts'

export interface Task {
  /** The data from which its runtime is made. */
  readonly thread: ThreadData
  readonly service: Service
}

/** The settings with which threads of pools are started. */
export interface WorkerSettings {
  /** Modules to import before there is work. */
  readonly preload: readonly string[]
}
