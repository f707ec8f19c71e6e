/** What the kernel and the threads say to each other, both ways, and what threads say among themselves. */
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
  /** It runs as a program of the shell: with `process.argv`, and its value is a `CommandResult`. */
  readonly isCommand?: true
  /** Milliseconds in which its module has to load. @default it may take for ever, and is reported */
  readonly loadTimeout?: number
}

/** A program that a thread may start by itself. */
export interface KnownProgram {
  readonly program: Program
  /** The overlay that the entry is pinned to. */
  readonly pin: OverlayChoice
  /** Overlays from which its processes take messages, beside their own and the clear network. */
  readonly accepts: Accepts
}

/** Overlays whose messages a process of another network takes: all, or those. */
export type Accepts = 'any' | readonly EntryId[]

/** What a caller chose for a spawn or a call, beside what it inherits. */
export interface ChosenContext {
  /** An overlay chosen on purpose; gated. */
  readonly network?: EntryId | null
  readonly actor?: Actor
  readonly scope?: readonly EntryId[]
}

/** What a caller hands on: the part of its frame that needs no permission, and the overlay in force. */
export interface InheritedContext {
  readonly overlay: OverlayChoice
  readonly values: Frame['values']
  readonly deadline: Frame['deadline']
  readonly trace: Frame['trace']
}

/** Who is to learn of a process's end: a process (as an event), or a promise in a thread. */
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

export interface CallRequest {
  readonly entry: EntryId
  readonly args: readonly unknown[]
  readonly choice: ChosenContext
  readonly inherit: InheritedContext
}

/** A call that a thread is to run: the caller's own thread, or one of a pool. */
export interface StartCall {
  readonly pid: Pid
  readonly program: Program
  readonly frame: Frame
}

/** What a thread of a pool is for. */
export interface Service {
  readonly program: Program
  /** See `call-slots.ts`. */
  readonly slots: SharedArrayBuffer
}

/** A call that waits in a thread of a pool, and its place and number on the board. No object: its keys would weigh more than what they hold. */
export type PostedCall = readonly [pid: Pid, frame: FrameReference, place: number, number: number, ...args: readonly unknown[]]

/** What became of a call: its value, or permission to run it in the caller's own thread. */
export type CallAnswer =
  | { readonly value: unknown }
  | {
      readonly run: StartCall
      /** Calls of this entry always run there, and it is pinned to no overlay: where nothing else needs a decision, there is no need to ask. */
      readonly inline: boolean
    }

/** The questions that a thread may ask, and their answers. */
export interface Requests {
  spawn: { ask: SpawnRequest; answer: { readonly pid: Pid } }
  call: { ask: CallRequest; answer: CallAnswer }
  program: { ask: { readonly entry: EntryId }; answer: KnownProgram }
  /** The process that asks runs that entry's program from now on. */
  upgrade: { ask: { readonly entry: EntryId }; answer: void }
  cancelCall: { ask: { readonly request: number }; answer: void }
  terminate: { ask: { readonly pid: Pid }; answer: void }
  cancel: { ask: { readonly pid: Pid; readonly reason: string }; answer: void }
  register: { ask: { readonly name: string; readonly pid: Pid }; answer: void }
  unregister: { ask: { readonly name: string }; answer: void }
  lookup: { ask: { readonly name: string }; answer: Pid | undefined }
  /** May it do what the thread is about to do by itself? `resource` is a pid for actions on processes; `port` is a socket's. */
  permit: { ask: { readonly action: string; readonly resource: string; readonly port?: number }; answer: void }
  can: { ask: { readonly action: string; readonly resource: string; readonly meta: Readonly<Record<string, unknown>> }; answer: boolean }
  evaluate: { ask: Evaluation; answer: PolicyDecision }
  policy: { ask: { readonly id: EntryId }; answer: PolicyView }
  namedScope: { ask: { readonly group: string }; answer: readonly EntryId[] }
  select: { ask: { readonly overlay: EntryId | null }; answer: void }
  route: { ask: { readonly overlay: EntryId }; answer: Route }
  /** Of a sealed thread: opens a connection, within so many milliseconds, and hands it over. */
  /** `key`: the isolation key that a request of the HTTP client asked for. */
  dial: { ask: { readonly connectRequest: ConnectRequest; readonly timeout: number; readonly key?: string }; answer: SocketHandoff }
  cancelDial: { ask: { readonly request: number }; answer: void }
  /** Of a sealed thread: addresses of a name in the clear network. */
  resolve: { ask: { readonly name: string; readonly family: 0 | 4 | 6 }; answer: readonly ResolvedAddress[] }
  /** A block of addresses that stand for names, for the thread alone, in place of one that it gives back. */
  leaseAddresses: { ask: { readonly back?: number }; answer: number }
  /** Whether an address, by its number in 198.18.0.0/15, may stand for a name in some thread. */
  isAddressLeased: { ask: { readonly number: number }; answer: boolean }
  /** A place in an overlay at which to accept connections, and a number by which it is given up. */
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
  /** The members of a group, for a message to all of them. */
  broadcastTo: { ask: { readonly group: string }; answer: readonly Pid[] }
  groupMembers: { ask: { readonly group: string }; answer: readonly Pid[] }
  /** Starts the process that speaks for a WebSocket which the asking thread was asked to open. `ticket` is the thread's own word for it. */
  openConnection: { ask: { readonly entry: EntryId; readonly ticket: string }; answer: Pid }
  /** Such a process asks for the one that it speaks to. */
  converse: { ask: Record<string, never>; answer: { readonly partner: Pid; readonly isOwn: boolean } }
  createToken: { ask: { readonly store: EntryId; readonly grant: unknown }; answer: IssuedToken }
  validateToken: { ask: { readonly store: EntryId; readonly token: string }; answer: TokenView | undefined }
  revokeToken: {
    ask: { readonly store: EntryId } & ({ readonly id: string } | { readonly actor: string })
    answer: { readonly revoked: number }
  }
  /** Lets the thread act for who a token stands for, by the pid in the answer, until it tells that this has finished. */
  openSession: {
    ask: { readonly store: EntryId; readonly token: string; readonly inherit: InheritedContext }
    answer: { readonly pid: Pid; readonly frame: Frame } | undefined
  }
  /**
   * A thread that answers requests of an endpoint beside the server's own, and the port to it. It acts for the service, or for `session`: whom a
   * server acts for, where the overlay keeps actors apart.
   */
  openLane: { ask: { readonly endpoint: EntryId; readonly session?: Pid }; answer: { readonly pid: Pid; readonly port: MessagePort } }
  closeLane: { ask: { readonly lane: Pid }; answer: void }
  /** The caller acts in such a thread, too, by the pid in the answer, until that tells that it has finished. */
  lendSession: { ask: { readonly lane: Pid }; answer: { readonly pid: Pid; readonly frame: Frame } }
  /** Whoever came to a service by an overlay that knows them acts there, by the pid in the answer, until that tells that it has finished. */
  identify: { ask: { readonly peer: Peer }; answer: { readonly pid: Pid; readonly frame: Frame } }
  /** A server listens from now on. Its overlay, where it listens on one, calls it by these names and addresses. */
  serving: { ask: { readonly host: string; readonly port: number }; answer: { readonly names: readonly string[] } }
  apply: { ask: { readonly changes: readonly Change[] }; answer: { readonly version: number } }
  version: { ask: Record<string, never>; answer: { readonly version: number } }
  history: { ask: Record<string, never>; answer: readonly Version[] }
  rollback: { ask: { readonly version: number }; answer: { readonly version: number } }
  log: { ask: LogLine; answer: void }
  /** The next bytes of the program's standard input; nothing at its end. */
  input: { ask: Record<string, never>; answer: Uint8Array | undefined }
  getEnv: { ask: { readonly name: string }; answer: string | undefined }
  setEnv: { ask: { readonly name: string; readonly value: string }; answer: void }
}

export type RequestName = keyof Requests

/** A thread asks. `by` is the process or call on whose behalf; the kernel checks that it lives in that thread. */
export type Request = {
  [Name in RequestName]: {
    readonly type: 'request'
    readonly number: number
    readonly by: Pid
    readonly name: Name
    readonly ask: Requests[Name]['ask']
  }
}[RequestName]

/** A message that nobody took. */
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
  /** A process that this thread started by itself becomes known to the kernel. */
  | { readonly type: 'processStarted'; readonly pid: Pid; readonly by: Pid; readonly entry: EntryId; readonly inherit: InheritedContext }
  /** The process that the kernel asked about is not there. */
  | { readonly type: 'processUnknown'; readonly pid: Pid }
  /** A process of this thread ends: its names and groups are free before anyone learns of its end. */
  | { readonly type: 'exiting'; readonly pid: Pid }
  /** A process takes new code over by itself, or no longer does. */
  | { readonly type: 'upgradable'; readonly pid: Pid; readonly on: boolean }
  /** A process ended by itself, or a call that the thread was given. */
  | { readonly type: 'finished'; readonly pid: Pid; readonly exit: WireExit }
  /** A process or call that the kernel does not know has failed; `late`: it had ended before. */
  | { readonly type: 'failed'; readonly pid: Pid; readonly entry: EntryId | undefined; readonly error: WireError; readonly late: boolean }
  /** Asks for a channel to another thread; `messages`: processes and calls here send to some there, which may learn for whom they act. */
  | { readonly type: 'connect'; readonly thread: number; readonly letters?: true }
  /** The answer to `ping`: the thread's event loop has come round. */
  | { readonly type: 'pong' }
  /** A thread that was asked to drain has nothing left that would keep its event loop running. */
  | { readonly type: 'dry' }
  /** The thread has heard that it is to be ended, and waits for native code: `settled` follows. */
  | { readonly type: 'settling' }
  /** No native code works in the thread. */
  | { readonly type: 'settled' }
  /** The thread has heard what is no message of the protocol from another, and hears nothing more from it. */
  | { readonly type: 'breach'; readonly thread: number; readonly why: string }
  /** For whom does a process or call in the thread `via` act? */
  | { readonly type: 'sender'; readonly via: number; readonly pid: Pid }
  /** May the thread `via`, whose code is asked about, do `action` to a process here? */
  | { readonly type: 'authorize'; readonly via: number; readonly action: string; readonly target: Pid }
  | Output
  | { readonly type: 'deadLetters'; readonly letters: readonly DeadLetter[]; readonly dropped: number }
  /** The oldest generation of an overlay by which a connection is open here, if one is. */
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
  /** The network of the thread from now on, before any code of the application. */
  | { readonly type: 'bind'; readonly network: ThreadNetwork }
  | { readonly type: 'ping' }
  /** The thread is to be ended: it answers `dry` once nothing keeps its event loop running any more. */
  | { readonly type: 'drain' }
  /** The thread is ended as soon as no native code works in it: its processes and calls end now, and it answers `settling`, then `settled`. */
  | { readonly type: 'settle'; readonly error: WireError }
  | { readonly type: 'answer'; readonly number: number; readonly value: unknown }
  | { readonly type: 'refusal'; readonly number: number; readonly error: WireError }
  | { readonly type: 'start'; readonly process: StartProcess }
  | { readonly type: 'calls'; readonly calls: readonly PostedCall[] }
  | { readonly type: 'kill'; readonly pid: Pid; readonly error: WireError }
  | { readonly type: 'cancel'; readonly pid: Pid; readonly reason: string }
  /** Asks whether a process that the thread may have started by itself is there. */
  | { readonly type: 'reportProcess'; readonly pid: Pid }
  | {
      readonly type: 'channel'
      readonly thread: number
      readonly port: MessagePort
      readonly privileges: Privileges
      readonly network: PeerNetwork
      /** None where the two share no memory. */
      readonly words?: ChannelWords
    }
  /** What a thread may do has changed. */
  | { readonly type: 'privileges'; readonly thread: number; readonly privileges: Privileges }
  | { readonly type: 'authorized'; readonly via: number; readonly action: string; readonly target: Pid; readonly may: boolean }
  /** For whom a process or call in another thread acts, by the frame that the kernel issued to it; nothing for one that is not there. */
  | { readonly type: 'sender'; readonly via: number; readonly pid: Pid; readonly acting: SenderFrame | undefined }
  /** The policies have changed: what was permitted is asked again. */
  | { readonly type: 'policiesChanged' }
  /** A thread is gone for good, or never was; why, as the end of each process in it. */
  | { readonly type: 'gone'; readonly thread: number; readonly error: WireError }
  /** An entry's code or fields changed. */
  | { readonly type: 'entryChanged'; readonly entry: EntryId }
  /** The code of an entry changed: upgradable processes that run it are told. */
  | { readonly type: 'outdated'; readonly entry: EntryId; readonly sources: readonly string[] }
  /** An overlay was replaced or removed: servers that listen on it do so anew. */
  | { readonly type: 'overlayMoved'; readonly overlay: EntryId }
  /** Asks by which generations of an overlay connections are open. */
  | { readonly type: 'streams'; readonly overlay: EntryId }
  /** Cuts connections that were opened by that generation, or an older one. */
  | { readonly type: 'cut'; readonly overlay: EntryId; readonly generation: number }

/** What a thread as a whole may do, as its peers are told by the kernel. */
export interface Privileges {
  /** All code in it is asked about what it does to processes elsewhere. */
  readonly policyEnforced: boolean
}

/** What the frame of a message may not claim by itself. */
export type SenderFrame = Pick<Frame, 'actor' | 'scope' | 'values'>

/** The words by which the two ends of a channel tell how much they have read (`credit.ts`). Each is written by one thread alone. */
export interface ChannelWords {
  /** Written by the other thread. */
  readonly credit: SharedArrayBuffer
  /** Written by this one. */
  readonly receipt: SharedArrayBuffer
}

/** The network of another thread, as the kernel tells it. */
export interface PeerNetwork {
  readonly overlay: EntryId | null
  /** It is this thread's own, isolation key included. */
  readonly isOwn: boolean
  /** One of the two is a process of its own: what they send each other travels as bytes (`pipe/codec.ts`). */
  readonly encoded?: boolean
}

/** What a thread of a `shared` host is notified of it. */
export interface SharedThread {
  readonly host: EntryId
  /** Number of the thread within the host. */
  readonly worker: number
  /** Threads that a network has in the host, at most. */
  readonly workers: number
  /** See `shared-memory/process-counts.ts`. */
  readonly processCounts: SharedArrayBuffer
  readonly maxProcesses: number
  readonly queueSize: number
}

/** What a thread's runtime is made from. */
export interface RuntimeSettings {
  /** The runtime ends before its thread does, and waits for nothing there. @default false */
  readonly isWarmup?: boolean
  readonly thread: number
  readonly port: KernelPort<ToThread>
  /** See `route-epoch.ts`. */
  readonly routeEpoch: SharedArrayBuffer
  /** See `credit.ts`. Absent where the kernel is in the same thread. */
  readonly credit?: SharedArrayBuffer
  /** Absent where the thread is given its network later, with its first work. */
  readonly network?: ThreadNetwork
  readonly shared?: SharedThread
  /** `security.strict_mode`: all code is asked about. */
  readonly strict: boolean
}

/** What a thread, or a process of its own, is started with. */
export interface StartData extends RuntimeSettings {
  /** Absent in a process of its own, which has streams. */
  readonly streams?: ThreadStreams
  /** Modules to import while the thread waits for work. */
  readonly preload: readonly string[]
  /** It has no network of its own (`host.network: sealed`). */
  readonly sealed: boolean
  /** The thread sets its one word when it loads an addon. Absent where none can be loaded. */
  readonly addons?: SharedArrayBuffer
  /** Packages whose addons load in overlays (`network_service.native`). */
  readonly native: readonly string[]
}

/** What a thread is started with. */
export interface ThreadData extends StartData {
  readonly port: MessagePort
  readonly streams: ThreadStreams
  readonly addons: SharedArrayBuffer
  /** Its environment is a part of the program's alone. */
  readonly isEnvListed?: boolean
}

/** Messages of one sender to one receiver, with one topic and one frame: a run of them travels as one signal. */
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

/** From thread to thread, in order: one array of these a turn of the event loop. */
export type Signal =
  | SendRun
  | { readonly op: 'reply'; readonly call: number; readonly payload: unknown }
  /** In place of a reply that cannot be carried. */
  | { readonly op: 'badReply'; readonly call: number; readonly error: WireError }
  | ({ readonly op: 'flow'; readonly from: Pid } & CreditReport)
  /** The process needs room that it has reserved for the thread, beyond `keep`. */
  | { readonly op: 'reclaim'; readonly from: Pid; readonly keep: number }
  /** Room that was reserved is given back; by 0, the thread asks for a report. */
  | { readonly op: 'giveBack'; readonly to: Pid; readonly credits: number }
  /** A process has ended. Of the messages that had arrived by then, its own thread tells what became of them; later ones are lost. */
  | { readonly op: 'closed'; readonly pid: Pid; readonly arrived: number; readonly error?: WireError }
  /** The process does not take messages from the sender's network. */
  | { readonly op: 'refused'; readonly pid: Pid; readonly call: number; readonly network: EntryId | null }
  /** A thread that is about to end asks to be told that all before this has come. */
  | { readonly op: 'mark' }
  | { readonly op: 'passed' }
  | { readonly op: 'monitor'; readonly target: Pid; readonly watcher: Watcher }
  | { readonly op: 'unmonitor'; readonly target: Pid; readonly watcher: Pid }
  | { readonly op: 'link'; readonly target: Pid; readonly other: Pid }
  | { readonly op: 'unlink'; readonly target: Pid; readonly other: Pid }
  | { readonly op: 'exit'; readonly from: Pid; readonly watcher: Watcher; readonly exit: WireExit }
  | { readonly op: 'linkDown'; readonly from: Pid; readonly to: Pid; readonly error: WireError | undefined }
