/** What a thread is started with. */
import type { EntryId } from '@troupe/core'
import type { ThreadNetwork } from '@troupe/network'
import type { MessagePort } from 'node:worker_threads'
import type { KernelPort } from '../channel/local-port.ts'
import type { TelemetrySettings } from './telemetry-settings.ts'
import type { ThreadStreams } from '../shared-memory/output-ledger.ts'
import type { ToThread } from './kernel-thread.ts'

/** The data that a thread of a `shared` host gets about its host. */
export interface SharedThread {
  readonly host: EntryId
  /** Number of the thread within the host. */
  readonly worker: number
  /** Maximum number of threads of one network in the host. */
  readonly workers: number
  /** See `shared-memory/process-counts.ts`. */
  readonly processCounts: SharedArrayBuffer
  readonly maxProcesses: number
  readonly queueSize: number
}

/** The data from which a thread's runtime is created. */
export interface RuntimeSettings {
  /** The runtime ends before its thread does, and waits for nothing then. @default false */
  readonly isWarmup?: boolean
  readonly thread: number
  /**
   * Number of the application, in the thread of the kernel: others may run there too. See `Route.application`. @default
   * all of this thread
   */
  readonly application?: number
  readonly port: KernelPort<ToThread>
  /** See `route-epoch.ts`. */
  readonly routeEpoch: SharedArrayBuffer
  /** See `credit.ts`. Absent where the kernel is in the same thread. */
  readonly credit?: SharedArrayBuffer
  /** Absent where the thread gets its network later, with its first work. */
  readonly network?: ThreadNetwork
  readonly shared?: SharedThread
  /** `security.strict_mode`: policies govern all code. */
  readonly strict: boolean
  /** `dead_letters.payload`: maximum number of bytes of a message that is kept when no process takes it. @default 0 */
  readonly keptBytes?: number
}

/** The start data of a thread or an operating-system process. */
export interface StartData extends RuntimeSettings {
  /** Absent in an operating-system process, which has its own streams. */
  readonly streams?: ThreadStreams
  /** Modules to import while the thread waits for work. */
  readonly preload: readonly string[]
  /** The thread has no network access of its own (`host.network: sealed`). */
  readonly sealed: boolean
  /** The thread sets this one word when it loads an addon. Absent where none can be loaded. */
  readonly addons?: SharedArrayBuffer
  /** Where it counts what happens in it (`thread-counters.ts` of `@troupe/core`). Absent where it shares no memory. */
  readonly counters?: SharedArrayBuffer
  /** Packages whose addons load in overlays (`network_service.native`). */
  readonly native: readonly string[]
  /** Absent where the thread makes no spans. */
  readonly telemetry?: TelemetrySettings
  /** Whether it counts its garbage collections. @default false */
  readonly gc?: boolean
}

/** The start data of a thread. */
export interface ThreadData extends StartData {
  readonly port: MessagePort
  readonly streams: ThreadStreams
  readonly addons: SharedArrayBuffer
  readonly counters: SharedArrayBuffer
  /** Its environment contains only a part of the program's. */
  readonly isEnvListed?: boolean
}
