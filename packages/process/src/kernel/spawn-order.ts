/** The kernel's input for the start of a process. */
import type { MessagePort } from 'node:worker_threads'
import type { EntryId, Frame, Pid } from '@troupe/core'
import type { Accepts, FirstMessage, Program, Watcher, WireExit } from '../protocol/programs.ts'
import type { Role } from '../protocol/requests.ts'
import type { Network } from './network/networks.ts'
import type { Thread } from '../worker-threads/thread.ts'

/** A process to start. */
export interface SpawnOrder {
  readonly entry: EntryId
  /** The program to run. @default the program of the entry, which then has to be a `process.ts` */
  readonly program?: Program
  readonly host: EntryId
  readonly args: readonly unknown[]
  /**
   * Ports among the arguments that the kernel created and that move to the process: they belong to the runtime, and may
   * lead to another network.
   */
  readonly ports?: readonly MessagePort[]
  readonly frame: Frame
  readonly name?: string
  /** The starter is going to send it messages, so it has to accept them. @default false */
  readonly isSentTo?: boolean
  /** @default according to the entry */
  readonly accepts?: Accepts
  /**
   * @default the network of the frame. Another key of the same overlay, where the kernel knows better; without effect
   * where it runs no user code.
   */
  readonly network?: Network
  /** Milliseconds without a message, after which it is asked to stop. @default never */
  readonly idleTimeout?: number | undefined
  readonly monitor?: Watcher
  readonly link?: Pid
  readonly messages?: readonly (FirstMessage & { readonly from: Pid; readonly frame: Frame })[]
  /** The thread that gets a channel to the new process from the start. */
  readonly from?: Thread
  /** The process or call that requested it. */
  readonly by?: Pid
  readonly onExit?: (exit: WireExit) => void
  /** The role in which it is started, which decides the requests that it may make. @default a process */
  readonly role?: Role
}
