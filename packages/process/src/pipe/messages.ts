/** What the kernel and an operating-system process tell each other beside the messages of threads. */
import type { WireError } from '@troupe/core'
import type { ThreadNetwork } from '@troupe/network'

/** What such a process is started with: what a thread is, but for the memory that it would share. */
export interface ChildData {
  readonly thread: number
  readonly network?: ThreadNetwork
  readonly strict: boolean
  readonly preload: readonly string[]
  /** It may write files. */
  readonly writes: boolean
}

/** From the process, in place of `ready`: it cannot run anything, and ends. */
export interface Broken {
  readonly type: 'broken'
  readonly error: WireError
}

/** Stands for a connection in what the kernel answers; the connection itself comes by another way. */
export interface PassedHandle {
  readonly passed: number
}
