/** The messages between the kernel and an operating-system process, in addition to the messages of threads. */
import type { WireError } from '@troupe/core'
import type { ThreadNetwork } from '@troupe/network'

/** The start data of such a process: those of a thread, without shared memory. */
export interface ChildData {
  readonly thread: number
  readonly network?: ThreadNetwork
  readonly strict: boolean
  /** `dead_letters.payload` */
  readonly keptBytes?: number
  /** Whether it counts its garbage collections. @default false */
  readonly gc?: boolean
  readonly preload: readonly string[]
  /** URL of a module such as it will run, which it loads while it waits. */
  readonly sample: string
  /** Whether it may write files. */
  readonly writes: boolean
  /** What it does besides running actors. */
  readonly service?: ChildService
}

/** What a package above this one runs in a process. */
export interface ChildService {
  /** URL of a module with the functions of `ServiceModule` (`thread/child/service-module.ts`). */
  readonly module: string
  readonly data: unknown
}

/** From the process, in place of `ready`: it cannot run anything, and ends. */
export interface Broken {
  readonly type: 'broken'
  readonly error: WireError
}

/** Represents a connection in a reply of the kernel; the connection itself arrives over another channel. */
export interface PassedHandle {
  readonly passed: number
}

/** To the process: the units (`shared-memory/credit.ts`) that another thread has read of what the process sent it. */
export interface PeerRead {
  readonly type: 'peerRead'
  readonly thread: number
  readonly read: number
}
