/** What the kernel is given to start a process. */
import type { MessagePort } from 'node:worker_threads'
import type { EntryId, Frame, Pid } from '@troupe/core'
import type { Accepts, FirstMessage, Program, Watcher, WireExit } from '../protocol/kernel-thread.ts'
import type { Role } from '../protocol/request-rules.ts'
import type { Network } from './network/networks.ts'
import type { Thread } from '../worker-threads/thread.ts'

/** A process to start. */
export interface SpawnOrder {
  readonly entry: EntryId
  /** What to run. @default the program of the entry, which then has to be a `process.ts` */
  readonly program?: Program
  readonly host: EntryId
  readonly args: readonly unknown[]
  /** Ports among the arguments, of the kernel's own making, that move to the process: they are the runtime's, and may lead to another network. */
  readonly ports?: readonly MessagePort[]
  readonly frame: Frame
  readonly name?: string
  /** Whoever starts it is going to send it messages: it has to accept them. @default false */
  readonly isSentTo?: boolean
  /** @default what the entry accepts */
  readonly accepts?: Accepts
  /** @default that of the frame. Another key of the same overlay, where the kernel knows better; of no consequence where it runs no user code. */
  readonly network?: Network
  /** Milliseconds without a message, after which it is asked to stop. @default never */
  readonly idleTimeout?: number | undefined
  readonly monitor?: Watcher
  readonly link?: Pid
  readonly messages?: readonly (FirstMessage & { readonly from: Pid; readonly frame: Frame })[]
  /** The thread that is to have a channel to the new process from the start. */
  readonly from?: Thread
  /** Who asked for it. */
  readonly by?: Pid
  readonly onExit?: (exit: WireExit) => void
  /** What it is started as, and so what it may ask. @default a process */
  readonly role?: Role
}
