/** The messages between the kernel and the threads, in both directions, and the signals between threads. */
import type { EntryId, Frame, Pid, PidNames, WireError } from '@troupe/core'
import type { ThreadNetwork } from '@troupe/network'
import type { MessagePort } from 'node:worker_threads'
import type { Output } from '../shared-memory/output-ledger.ts'
import type { Accepts, FirstMessage, InheritedContext, Program, Watcher, WireExit } from './programs.ts'
import type { InspectionSubject } from './inspection.ts'
import type { Request } from './requests.ts'

/** A message that no process took, as a thread reports it. */
export interface LostLetter {
  /** The sender. */
  readonly from: Pid
  /** The receiver: a pid, or a name of which no process was found. */
  readonly to: string
  /** The topic of the message. */
  readonly topic: string
  /** Why it was not taken, in words. */
  readonly reason: string
  /** Its content (`mailbox/kept-message.ts`), where that is to be kept. */
  readonly kept?: Uint8Array
}

/** From a thread to the kernel. */
export type ToKernel =
  | Request
  | { readonly type: 'ready' }
  /** Registers a process with the kernel that this thread started by itself. */
  | {
      readonly type: 'processStarted'
      readonly pid: Pid
      readonly by: Pid
      readonly entry: EntryId
      readonly inherit: InheritedContext
    }
  /** The process that the kernel queried does not exist. */
  | { readonly type: 'processUnknown'; readonly pid: Pid }
  /** A process of this thread is ending: its names and groups are released before anything is notified of its end. */
  | { readonly type: 'exiting'; readonly pid: Pid }
  /** A process loads new code by itself, or no longer does. */
  | { readonly type: 'upgradable'; readonly pid: Pid; readonly on: boolean }
  /** A process ended by itself, or a call that the thread was given ended. */
  | { readonly type: 'finished'; readonly pid: Pid; readonly exit: WireExit }
  /** A process or call that the kernel does not know has failed; `late`: it had ended before. */
  | {
      readonly type: 'failed'
      readonly pid: Pid
      readonly entry: EntryId | undefined
      readonly error: WireError
      readonly late: boolean
    }
  /**
   * Requests a channel to another thread. `letters`: processes and calls here send to some there, and that thread may
   * learn for whom they act.
   */
  | { readonly type: 'connect'; readonly thread: number; readonly letters?: true }
  /** The reply to `ping`: the thread's event loop has completed a turn. */
  | { readonly type: 'pong' }
  /** A thread that was asked to drain has nothing left that would keep its event loop running. */
  | { readonly type: 'dry' }
  /** The thread has received the order to end, and waits for native code: `settled` follows. */
  | { readonly type: 'settling' }
  /** No native code runs in the thread. */
  | { readonly type: 'settled' }
  /** The thread has received an invalid message from another thread, and reads nothing more from it. */
  | { readonly type: 'breach'; readonly thread: number; readonly why: string }
  /** Requests the actor of a process or call in the thread `via`. */
  | { readonly type: 'sender'; readonly via: number; readonly pid: Pid }
  /** Asks whether the thread `via`, whose code is governed by policies, may perform `action` on a process here. */
  | { readonly type: 'authorize'; readonly via: number; readonly action: string; readonly target: Pid }
  | RemoteNote
  | Output
  /** What became of a message that the kernel sent. */
  | { readonly type: 'delivered'; readonly number: number; readonly outcome: DeliveryOutcome }
  | { readonly type: 'deadLetters'; readonly letters: readonly LostLetter[]; readonly dropped: number }
  /** A part of the reply to `inspect`: the cells of its rows, one row after the other. */
  | {
      readonly type: 'inspected'
      readonly number: number
      readonly cells: readonly (string | number)[]
      readonly isLast: boolean
    }
  /** The oldest generation of an overlay by which a connection is open here, if there is one. */
  | { readonly type: 'streams'; readonly overlay: EntryId; readonly oldest: number | undefined }

/** About a place of another node (`web~3f|8`): its thread there is to be reached, or broke the protocol. */
export type RemoteNote = { readonly type: 'remote'; readonly place: string } & (
  | { readonly about: 'reach' }
  | { readonly about: 'breach'; readonly why: string }
  /** Asks whether that node may perform `action` on a process here. */
  | { readonly about: 'authorize'; readonly action: string; readonly target: Pid }
)

/**
 * What became of a message that the kernel sent: the mailbox accepted it; then the receiver asked for the next one; or
 * there is no such process; or it accepts no messages from the sender's network.
 */
export type DeliveryOutcome = 'accepted' | 'handled' | 'gone' | 'refused'

/** A message that the kernel sends. */
export interface KernelDelivery {
  readonly to: Pid
  readonly from: Pid
  readonly topic: string
  readonly payload: unknown
  readonly frame: Frame
  /** The sender's network. */
  readonly network: PeerNetwork
}

/** A process to start. */
export interface StartProcess {
  readonly pid: Pid
  readonly program: Program
  readonly args: readonly unknown[]
  readonly frame: Frame
  readonly queueSize: number
  readonly accepts: Accepts
  /** Milliseconds without a message, after which it is asked to stop. */
  readonly idleTimeout?: number
  readonly watchers: readonly Watcher[]
  readonly links: readonly Pid[]
  readonly messages: readonly (FirstMessage & { readonly from: Pid; readonly frame: Frame })[]
}

/**
 * From the kernel to a thread, by type. The packages above this one add theirs:
 * `declare module '@troupe/process/protocol'`.
 */
export interface ThreadMessages {
  /** Sets the network of the thread, before any code of the application runs. */
  bind: { readonly network: ThreadNetwork }
  ping: unknown
  /** The thread is to be ended: it replies `dry` once nothing keeps its event loop running. */
  drain: unknown
  /**
   * The thread is ended as soon as no native code runs in it. Its processes and calls end now, and it replies
   * `settling`, then `settled`.
   */
  settle: { readonly error: WireError }
  answer: { readonly number: number; readonly value: unknown }
  refusal: { readonly number: number; readonly error: WireError }
  start: { readonly process: StartProcess }
  kill: { readonly pid: Pid; readonly error: WireError }
  cancel: { readonly pid: Pid; readonly reason: string }
  /** A message whose sender may have ended. The thread reports what became of it. */
  deliver: { readonly number: number; readonly message: KernelDelivery }
  /** Asks whether a process exists that the thread may have started by itself. */
  reportProcess: { readonly pid: Pid }
  channel: {
    readonly thread: number
    readonly port: MessagePort
    readonly privileges: Privileges
    readonly network: PeerNetwork
    /** Absent where the two share no memory. */
    readonly words?: ChannelWords
  }
  /** The same for a place of another node. What it sends is bytes. */
  remoteChannel: {
    readonly place: string
    readonly port: MessagePort
    readonly privileges: Privileges
    readonly network: PeerNetwork
    readonly words: ChannelWords
    /** How the two nodes write pids. */
    readonly names: PidNames
    /** For whom its processes act here. */
    readonly acting: SenderFrame
  }
  remoteAuthorized: {
    readonly place: string
    readonly action: string
    readonly target: Pid
    readonly may: boolean
  }
  /** A place cannot be reached, or not any more. */
  remoteGone: { readonly place: string; readonly error: WireError }
  /** What a thread may do has changed. */
  privileges: { readonly thread: number; readonly privileges: Privileges }
  authorized: {
    readonly via: number
    readonly action: string
    readonly target: Pid
    readonly may: boolean
  }
  /**
   * The actor of a process or call in another thread, from the frame that the kernel issued to it; absent if it does
   * not exist.
   */
  sender: { readonly via: number; readonly pid: Pid; readonly acting: SenderFrame | undefined }
  /** The policies have changed: permissions must be requested again. */
  policiesChanged: unknown
  /** A thread has ended, or never existed; `error` is the reason for the end of each process in it. */
  gone: { readonly thread: number; readonly error: WireError }
  /** An entry's code or fields changed. */
  entryChanged: { readonly entry: EntryId }
  /** The code of an entry changed: upgradable processes that run it are notified. */
  outdated: { readonly entry: EntryId; readonly sources: readonly string[] }
  /** An overlay was replaced or removed: servers that listen on it listen again. */
  overlayMoved: { readonly overlay: EntryId }
  /** Asks by which generations of an overlay connections are open. */
  streams: { readonly overlay: EntryId }
  /** Asks what is in the thread (`inspection.ts`). */
  inspect: { readonly number: number; readonly what: InspectionSubject; readonly limit: number }
  /** Records the messages of a process, or counts those of all, for some milliseconds. A limit of 0 ends that. */
  record: { readonly pid: Pid | undefined; readonly limit: number; readonly milliseconds: number }
  /** Closes a connection through an overlay, by the number that an inspection gave. */
  closeConnection: { readonly connection: number }
  /** Cuts connections that were opened by that generation or an older one. */
  cut: { readonly overlay: EntryId; readonly generation: number }
}

export type ToThread = {
  readonly [Type in keyof ThreadMessages]: { readonly type: Type } & ThreadMessages[Type]
}[keyof ThreadMessages]

/** The message of one type. */
export type ThreadMessage<Type extends keyof ThreadMessages> = Extract<ToThread, { readonly type: Type }>

/** What a thread as a whole may do, as the kernel reports it to the thread's peers. */
export interface Privileges {
  /** Policies govern what all its code does to processes in other threads. */
  readonly policyEnforced: boolean
}

/** The fields that the frame of a message may not claim by itself. */
export type SenderFrame = Pick<Frame, 'actor' | 'scope' | 'values'>

/**
 * The words of shared memory by which the two ends of a channel report how much they have read (`credit.ts`). Only one
 * thread writes each word.
 */
export interface ChannelWords {
  /** Written by the other thread. */
  readonly credit: SharedArrayBuffer
  /** Written by this one. */
  readonly receipt: SharedArrayBuffer
}

/** The network of another thread, as the kernel reports it. */
export interface PeerNetwork {
  readonly overlay: EntryId | null
  /** Whether it is the network of this thread too, including the isolation key. */
  readonly isOwn: boolean
  /**
   * One of the two is an operating-system process: what they send to each other travels as bytes (`pipe/codec.ts`).
   */
  readonly encoded?: boolean
  /** The other thread belongs to another node: so many bytes may have one message. */
  readonly largest?: number
}
