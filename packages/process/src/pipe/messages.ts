/** The messages between the kernel and an operating-system process, in addition to the messages of threads. */
import type { WireError } from '@troupe/core'
import type { ThreadNetwork } from '@troupe/network'

/** The start data of such a process: those of a thread, without shared memory. */
export interface ChildData {
  readonly thread: number
  readonly network?: ThreadNetwork
  readonly strict: boolean
  readonly preload: readonly string[]
  /** Whether it may write files. */
  readonly writes: boolean
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
