/** What a thread of a pool is given when it begins to work for one: before any code of the application. */
import type { Service, ThreadData } from '@troupe/process'

export interface Task {
  /** What its runtime is made from. */
  readonly thread: ThreadData
  readonly service: Service
}

/** What threads of a pool are started with. */
export interface WorkerSettings {
  /** Modules to import before there is work. */
  readonly preload: readonly string[]
}
