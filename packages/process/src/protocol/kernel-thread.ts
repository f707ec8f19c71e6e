/** The messages between the kernel and the threads, in both directions, and the signals between threads. */
import type { Actor, EntryId, Frame, FrameReference, OverlayChoice, Pid, WireError } from '@troupe/core'
import type { BindOptions, ConnectRequest, SocketHandoff, Peer, ResolvedAddress, Route, ThreadNetwork, ListenGrant } from '@troupe/network'
import type { PolicyDecision } from '@troupe/policy'
import type { Change, Version } from '@troupe/registry'
import type { MessagePort } from 'node:worker_threads'
import type { CreditKind, CreditReport } from '../mailbox/receive-window.ts'
import type { LogLine } from './log-line.ts'
import type { Output, ThreadStreams } from '../shared-memory/output-ledger.ts'
import type { KernelPort } from '../channel/local-port.ts'
import type { ChildAddress, ChildCount, ChildView, EntryView, Evaluation, IssuedToken, PolicyView, TokenView } from './views.ts'

export type { ChildAddress, ChildCount, ChildView, EntryView, Evaluation, IssuedToken, LogLine, PolicyView, TokenView }

/** How a process ended, on the wire. */
export type WireExit = { readonly value: unknown } | { readonly error: WireError }

/** What a thread needs to run an entry's method. */
export interface Program {
  readonly entry: EntryId
  /** URL of the module. */
  readonly module: string
  readonly method: string
  /** Runs as a program of the shell: with `process.argv`, and its result is a `CommandResult`. */
  readonly isCommand?: true
  /** Milliseconds within which its module has to load. @default no limit; slow loading is reported */
  readonly loadTimeout?: number
}

/** A program that a thread may start without the kernel. */
export interface KnownProgram {
  readonly program: Program
  /** The overlay to which the entry is pinned. */
  readonly pin: OverlayChoice
  /** Overlays from which its processes accept messages, in addition to their own and the clear network. */
  readonly accepts: Accepts
}

/** Overlays whose messages a process of another network accepts: all, or those in the list. */
export type Accepts = 'any' | readonly EntryId[]

/** The caller's choices for a spawn or a call, in addition to what is inherited. */
export interface ChosenContext {
  /** An explicitly chosen overlay; needs permission. */
  readonly network?: EntryId | null
  readonly actor?: Actor
  readonly scope?: readonly EntryId[]
}

/**
 * What a spawn or a call inherits: the part of the caller's frame that needs no permission, and the overlay in force.
 */
export interface InheritedContext {
  readonly overlay: OverlayChoice
  readonly values: Frame['values']
  readonly deadline: Frame['deadline']
  readonly trace: Frame['trace']
}

/** The receiver of the notification of a process's end: a process (as an event), or a promise in a thread. */
export interface Watcher {
  readonly pid: Pid
  /** Number of the promise; 0 for an event. */
  readonly promise: number
}

export interface SpawnRequest {
  readonly entry: EntryId
  readonly host: EntryId
  readonly args: readonly unknown[]
  readonly choice: ChosenContext
  readonly inherit: InheritedContext
  readonly monitor?: Watcher
  readonly link?: Pid
  readonly name?: string
  readonly messages?: readonly FirstMessage[]
}

/** A message that a process finds in its mailbox when it starts. */
export interface FirstMessage {
  readonly topic: string
  readonly payload: unknown
}

/** A request to call a function. */
export interface CallRequest {
  readonly entry: EntryId
  readonly args: readonly unknown[]
  readonly choice: ChosenContext
  readonly inherit: InheritedContext
}

/** A call that a thread must run: the caller's own thread, or one of a pool. */
export interface StartCall {
  readonly pid: Pid
  readonly program: Program
  readonly frame: Frame
}

/** The service of a thread in a pool. */
export interface Service {
  readonly program: Program
  /** See `call-slots.ts`. */
  readonly slots: SharedArrayBuffer
}

/**
 * A call that waits in a thread of a pool, with its place and number on the board. A tuple, because the keys of an
 * object would be larger than the values.
 */
export type PostedCall = readonly [pid: Pid, frame: FrameReference, place: number, number: number, ...args: readonly unknown[]]

/** The result of a call request: the value, or permission to run it in the caller's thread. */
export type CallAnswer =
  | { readonly value: unknown }
  | {
      readonly run: StartCall
      /**
       * Calls of this entry always run in the caller's thread, and it is pinned to no overlay. Where nothing else needs
       * a decision, no request is needed.
       */
      readonly inline: boolean
    }

/** The requests that a thread may send, and their results. */
export interface Requests {
  spawn: { ask: SpawnRequest; answer: { readonly pid: Pid } }
  call: { ask: CallRequest; answer: CallAnswer }
  program: { ask: { readonly entry: EntryId }; answer: KnownProgram }
  /** The requesting process runs that entry's program from now on. */
  upgrade: { ask: { readonly entry: EntryId }; answer: void }
  cancelCall: { ask: { readonly request: number }; answer: void }
  terminate: { ask: { readonly pid: Pid }; answer: void }
  cancel: { ask: { readonly pid: Pid; readonly reason: string }; answer: void }
  register: { ask: { readonly name: string; readonly pid: Pid }; answer: void }
  unregister: { ask: { readonly name: string }; answer: void }
  lookup: { ask: { readonly name: string }; answer: Pid | undefined }
  /**
   * Checks an action that the thread is about to perform by itself. `resource` is a pid for actions on processes;
   * `port` is the port of a socket.
   */
  permit: { ask: { readonly action: string; readonly resource: string; readonly port?: number }; answer: void }
  can: { ask: { readonly action: string; readonly resource: string; readonly meta: Readonly<Record<string, unknown>> }; answer: boolean }
  evaluate: { ask: Evaluation; answer: PolicyDecision }
  policy: { ask: { readonly id: EntryId }; answer: PolicyView }
  namedScope: { ask: { readonly group: string }; answer: readonly EntryId[] }
  select: { ask: { readonly overlay: EntryId | null }; answer: void }
  route: { ask: { readonly overlay: EntryId }; answer: Route }
  /** From a sealed thread: opens a connection within that number of milliseconds, and hands it over. */
  /** `key`: the isolation key of a request of the HTTP client. */
  dial: { ask: { readonly connectRequest: ConnectRequest; readonly timeout: number; readonly key?: string }; answer: SocketHandoff }
  cancelDial: { ask: { readonly request: number }; answer: void }
  /** From a sealed thread: resolves a name in the clear network to addresses. */
  resolve: { ask: { readonly name: string; readonly family: 0 | 4 | 6 }; answer: readonly ResolvedAddress[] }
  /**
   * Leases a block of addresses that stand for names, exclusively to the thread, in exchange for a block that it gives
   * back.
   */
  leaseAddresses: { ask: { readonly back?: number }; answer: number }
  /** Whether an address, given by its number in 198.18.0.0/15, may currently stand for a name in some thread. */
  isAddressLeased: { ask: { readonly number: number }; answer: boolean }
  /** Binds an address in an overlay at which to accept connections; the number in the result releases it. */
  bind: {
    ask: { readonly overlay: EntryId; readonly options: BindOptions }
    answer: { readonly ticket: ListenGrant; readonly number: number }
  }
  unbind: { ask: { readonly number: number }; answer: void }
  entry: { ask: { readonly id: EntryId }; answer: EntryView }
  entries: { ask: { readonly kind?: string; readonly meta?: Readonly<Record<string, unknown>> }; answer: readonly EntryView[] }
  startChild: { ask: { readonly supervisor: string; readonly child: unknown }; answer: ChildView }
  terminateChild: { ask: ChildAddress; answer: void }
  restartChild: { ask: ChildAddress; answer: ChildView }
  deleteChild: { ask: ChildAddress; answer: void }
  whichChildren: { ask: { readonly supervisor: string }; answer: readonly ChildView[] }
  countChildren: { ask: { readonly supervisor: string }; answer: ChildCount }
  partition: { ask: { readonly supervisor: string; readonly key: string | number; readonly child?: string }; answer: Pid }
  joinGroup: { ask: { readonly group: string; readonly pid: Pid }; answer: void }
  leaveGroup: { ask: { readonly group: string; readonly pid: Pid }; answer: void }
  /** Returns the members of a group, for a message to all of them. */
  broadcastTo: { ask: { readonly group: string }; answer: readonly Pid[] }
  groupMembers: { ask: { readonly group: string }; answer: readonly Pid[] }
  /**
   * Starts the process that handles a WebSocket which the requesting thread was asked to open. `ticket` is an
   * identifier that the thread chose.
   */
  openConnection: { ask: { readonly entry: EntryId; readonly ticket: string }; answer: Pid }
  /** From such a process: returns the process at the other end of the conversation. */
  converse: { ask: Record<string, never>; answer: { readonly partner: Pid; readonly isOwn: boolean } }
  createToken: { ask: { readonly store: EntryId; readonly grant: unknown }; answer: IssuedToken }
  validateToken: { ask: { readonly store: EntryId; readonly token: string }; answer: TokenView | undefined }
  revokeToken: {
    ask: { readonly store: EntryId } & ({ readonly id: string } | { readonly actor: string })
    answer: { readonly revoked: number }
  }
  /**
   * Lets the thread act for the subject of a token, with the pid in the result, until the thread reports that this pid
   * has finished.
   */
  openSession: {
    ask: { readonly store: EntryId; readonly token: string; readonly inherit: InheritedContext }
    answer: { readonly pid: Pid; readonly frame: Frame } | undefined
  }
  /**
   * Opens a thread that handles requests of an endpoint in addition to the server's own thread, and the port to it. It
   * acts for the service, or for `session`: the actor for which the server acts, where the overlay isolates actors.
   */
  openLane: { ask: { readonly endpoint: EntryId; readonly session?: Pid }; answer: { readonly pid: Pid; readonly port: MessagePort } }
  closeLane: { ask: { readonly lane: Pid }; answer: void }
  /**
   * Lets the caller act in such a thread too, with the pid in the result, until that thread reports that it has
   * finished.
   */
  lendSession: { ask: { readonly lane: Pid }; answer: { readonly pid: Pid; readonly frame: Frame } }
  /**
   * Lets a client that reached a service through an overlay with client identity act there, with the pid in the result,
   * until the thread reports that it has finished.
   */
  identify: { ask: { readonly peer: Peer }; answer: { readonly pid: Pid; readonly frame: Frame } }
  /** A server listens from now on. Returns its names and addresses in its overlay, if it listens on one. */
  serving: { ask: { readonly host: string; readonly port: number }; answer: { readonly names: readonly string[] } }
  apply: { ask: { readonly changes: readonly Change[] }; answer: { readonly version: number } }
  version: { ask: Record<string, never>; answer: { readonly version: number } }
  history: { ask: Record<string, never>; answer: readonly Version[] }
  rollback: { ask: { readonly version: number }; answer: { readonly version: number } }
  log: { ask: LogLine; answer: void }
  /** Returns the next bytes of the program's standard input; `undefined` at its end. */
  input: { ask: Record<string, never>; answer: Uint8Array | undefined }
  getEnv: { ask: { readonly name: string }; answer: string | undefined }
  setEnv: { ask: { readonly name: string; readonly value: string }; answer: void }
}

export type RequestName = keyof Requests

/**
 * A request of a thread. `by` is the process or call on whose behalf; the kernel checks that it lives in that thread.
 */
export type Request = {
  [Name in RequestName]: {
    readonly type: 'request'
    readonly number: number
    readonly by: Pid
    readonly name: Name
    readonly ask: Requests[Name]['ask']
  }
}[RequestName]

/** A message that no process took. */
export interface DeadLetter {
  readonly from: Pid
  /** A pid, or a name whose process was never found. */
  readonly to: string
  readonly topic: string
  readonly reason: string
}

/** From a thread to the kernel. */
export type ToKernel =
  | Request
  | { readonly type: 'ready' }
  /** Registers a process with the kernel that this thread started by itself. */
  | { readonly type: 'processStarted'; readonly pid: Pid; readonly by: Pid; readonly entry: EntryId; readonly inherit: InheritedContext }
  /** The process that the kernel queried does not exist. */
  | { readonly type: 'processUnknown'; readonly pid: Pid }
  /** A process of this thread is ending: its names and groups are released before anything is notified of its end. */
  | { readonly type: 'exiting'; readonly pid: Pid }
  /** A process loads new code by itself, or no longer does. */
  | { readonly type: 'upgradable'; readonly pid: Pid; readonly on: boolean }
  /** A process ended by itself, or a call that the thread was given ended. */
  | { readonly type: 'finished'; readonly pid: Pid; readonly exit: WireExit }
  /** A process or call that the kernel does not know has failed; `late`: it had ended before. */
  | { readonly type: 'failed'; readonly pid: Pid; readonly entry: EntryId | undefined; readonly error: WireError; readonly late: boolean }
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
  | Output
  | { readonly type: 'deadLetters'; readonly letters: readonly DeadLetter[]; readonly dropped: number }
  /** The oldest generation of an overlay by which a connection is open here, if there is one. */
  | { readonly type: 'streams'; readonly overlay: EntryId; readonly oldest: number | undefined }

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

/** From the kernel to a thread. */
export type ToThread =
  /** Sets the network of the thread, before any code of the application runs. */
  | { readonly type: 'bind'; readonly network: ThreadNetwork }
  | { readonly type: 'ping' }
  /** The thread is to be ended: it replies `dry` once nothing keeps its event loop running. */
  | { readonly type: 'drain' }
  /**
   * The thread is ended as soon as no native code runs in it. Its processes and calls end now, and it replies
   * `settling`, then `settled`.
   */
  | { readonly type: 'settle'; readonly error: WireError }
  | { readonly type: 'answer'; readonly number: number; readonly value: unknown }
  | { readonly type: 'refusal'; readonly number: number; readonly error: WireError }
  | { readonly type: 'start'; readonly process: StartProcess }
  | { readonly type: 'calls'; readonly calls: readonly PostedCall[] }
  | { readonly type: 'kill'; readonly pid: Pid; readonly error: WireError }
  | { readonly type: 'cancel'; readonly pid: Pid; readonly reason: string }
  /** Asks whether a process exists that the thread may have started by itself. */
  | { readonly type: 'reportProcess'; readonly pid: Pid }
  | {
      readonly type: 'channel'
      readonly thread: number
      readonly port: MessagePort
      readonly privileges: Privileges
      readonly network: PeerNetwork
      /** Absent where the two share no memory. */
      readonly words?: ChannelWords
    }
  /** What a thread may do has changed. */
  | { readonly type: 'privileges'; readonly thread: number; readonly privileges: Privileges }
  | { readonly type: 'authorized'; readonly via: number; readonly action: string; readonly target: Pid; readonly may: boolean }
  /**
   * The actor of a process or call in another thread, from the frame that the kernel issued to it; absent if it does
   * not exist.
   */
  | { readonly type: 'sender'; readonly via: number; readonly pid: Pid; readonly acting: SenderFrame | undefined }
  /** The policies have changed: permissions must be requested again. */
  | { readonly type: 'policiesChanged' }
  /** A thread has ended, or never existed; `error` is the reason for the end of each process in it. */
  | { readonly type: 'gone'; readonly thread: number; readonly error: WireError }
  /** An entry's code or fields changed. */
  | { readonly type: 'entryChanged'; readonly entry: EntryId }
  /** The code of an entry changed: upgradable processes that run it are notified. */
  | { readonly type: 'outdated'; readonly entry: EntryId; readonly sources: readonly string[] }
  /** An overlay was replaced or removed: servers that listen on it listen again. */
  | { readonly type: 'overlayMoved'; readonly overlay: EntryId }
  /** Asks by which generations of an overlay connections are open. */
  | { readonly type: 'streams'; readonly overlay: EntryId }
  /** Cuts connections that were opened by that generation or an older one. */
  | { readonly type: 'cut'; readonly overlay: EntryId; readonly generation: number }

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
}

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
  /** Packages whose addons load in overlays (`network_service.native`). */
  readonly native: readonly string[]
}

/** The start data of a thread. */
export interface ThreadData extends StartData {
  readonly port: MessagePort
  readonly streams: ThreadStreams
  readonly addons: SharedArrayBuffer
  /** Its environment contains only a part of the program's. */
  readonly isEnvListed?: boolean
}

/** Messages of one sender to one receiver, with one topic and one frame. A run of them travels as one signal. */
export interface SendRun {
  readonly op: 'send'
  readonly to: Pid
  readonly from: Pid
  readonly topic: string
  readonly frame: FrameReference
  readonly payloads: unknown[]
  /** Number of the call that waits for the reply; such a message travels alone. */
  readonly call: number
  readonly claim: CreditKind
}

/** From thread to thread, in order: one array of these per turn of the event loop. */
export type Signal =
  | SendRun
  | { readonly op: 'reply'; readonly call: number; readonly payload: unknown }
  /** Sent instead of a reply that cannot be carried. */
  | { readonly op: 'badReply'; readonly call: number; readonly error: WireError }
  | ({ readonly op: 'flow'; readonly from: Pid } & CreditReport)
  /** The process needs back the room that it has reserved for the thread, beyond `keep`. */
  | { readonly op: 'reclaim'; readonly from: Pid; readonly keep: number }
  /** Gives back reserved room. With 0 credits, the thread requests a report. */
  | { readonly op: 'giveBack'; readonly to: Pid; readonly credits: number }
  /**
   * A process has ended. Its own thread reports the outcome of the messages that had arrived by then; later ones are
   * lost.
   */
  | { readonly op: 'closed'; readonly pid: Pid; readonly arrived: number; readonly error?: WireError }
  /** The process does not accept messages from the sender's network. */
  | { readonly op: 'refused'; readonly pid: Pid; readonly call: number; readonly network: EntryId | null }
  /** A thread that is about to end requests a notification when everything sent before has arrived. */
  | { readonly op: 'mark' }
  | { readonly op: 'passed' }
  | { readonly op: 'monitor'; readonly target: Pid; readonly watcher: Watcher }
  | { readonly op: 'unmonitor'; readonly target: Pid; readonly watcher: Pid }
  | { readonly op: 'link'; readonly target: Pid; readonly other: Pid }
  | { readonly op: 'unlink'; readonly target: Pid; readonly other: Pid }
  | { readonly op: 'exit'; readonly from: Pid; readonly watcher: Watcher; readonly exit: WireExit }
  | { readonly op: 'linkDown'; readonly from: Pid; readonly to: Pid; readonly error: WireError | undefined }
