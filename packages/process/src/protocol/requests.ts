/** The requests of threads to which the kernel replies. */
import type { EntryId, Pid } from '@troupe/core'
import type { BindOptions, ConnectRequest, ListenGrant, ResolvedAddress, Route, SocketHandoff } from '@troupe/network'
import type { PolicyDecision } from '@troupe/policy'
import type { LogLine } from './log-line.ts'
import type { InheritedContext, KnownProgram, SpawnRequest } from './programs.ts'
import type { Guard } from './validators.ts'
import type { ChildAddress, ChildCount, ChildView, EntryView, Evaluation, PolicyView } from './views.ts'

/** The requests of this package that a thread may send, and their results. */
export interface KernelRequests {
  spawn: { ask: SpawnRequest; answer: { readonly pid: Pid } }
  program: { ask: { readonly entry: EntryId }; answer: KnownProgram }
  /** The requesting process runs that entry's program from now on. */
  upgrade: { ask: { readonly entry: EntryId }; answer: void }
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
  can: {
    ask: { readonly action: string; readonly resource: string; readonly meta: Readonly<Record<string, unknown>> }
    answer: boolean
  }
  evaluate: { ask: Evaluation; answer: PolicyDecision }
  policy: { ask: { readonly id: EntryId }; answer: PolicyView }
  namedScope: { ask: { readonly group: string }; answer: readonly EntryId[] }
  select: { ask: { readonly overlay: EntryId | null }; answer: void }
  route: { ask: { readonly overlay: EntryId }; answer: Route }
  /**
   * From a sealed thread: opens a connection within that number of milliseconds, and hands it over. `key`: keeps the
   * connection apart from those with other keys.
   */
  dial: {
    ask: { readonly connectRequest: ConnectRequest; readonly timeout: number; readonly key?: string }
    answer: SocketHandoff
  }
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
  entries: {
    ask: { readonly kind?: string; readonly meta?: Readonly<Record<string, unknown>> }
    answer: readonly EntryView[]
  }
  startChild: { ask: { readonly supervisor: string; readonly child: unknown }; answer: ChildView }
  terminateChild: { ask: ChildAddress; answer: void }
  restartChild: { ask: ChildAddress; answer: ChildView }
  deleteChild: { ask: ChildAddress; answer: void }
  whichChildren: { ask: { readonly supervisor: string }; answer: readonly ChildView[] }
  countChildren: { ask: { readonly supervisor: string }; answer: ChildCount }
  partition: {
    ask: { readonly supervisor: string; readonly key: string | number; readonly child?: string }
    answer: Pid
  }
  joinGroup: { ask: { readonly group: string; readonly pid: Pid }; answer: void }
  leaveGroup: { ask: { readonly group: string; readonly pid: Pid }; answer: void }
  /** Returns the members of a group, for a message to all of them. */
  broadcastTo: { ask: { readonly group: string }; answer: readonly Pid[] }
  groupMembers: { ask: { readonly group: string }; answer: readonly Pid[] }
  sendLater: { ask: LaterRequest; answer: { readonly id: string } }
  /** Returns whether the message was still to be sent. */
  cancelLater: { ask: { readonly id: string }; answer: boolean }
  log: { ask: LogLine; answer: void }
  /** Returns the next bytes of the program's standard input; `undefined` at its end. */
  input: { ask: Record<string, never>; answer: Uint8Array | undefined }
  getEnv: { ask: { readonly name: string }; answer: string | undefined }
  setEnv: { ask: { readonly name: string; readonly value: string }; answer: void }
}

/** A message to send later. */
export interface LaterRequest {
  readonly to: string
  readonly topic: string
  readonly payload: unknown
  /** Milliseconds from now, or since 1970. */
  readonly time: { readonly in: number } | { readonly at: number }
  readonly id?: string
  readonly durable: boolean
  readonly inherit: InheritedContext
}

/** All requests. The packages above this one add theirs: `declare module '@troupe/process/protocol'`. */
export interface Requests extends KernelRequests {}

export type RequestName = keyof Requests

/**
 * What the kernel starts in threads. The packages above this one add what they start. `program`: the one around the
 * application; `process`: code of the application.
 */
export interface Roles {
  program: unknown
  process: unknown
}

export type Role = keyof Roles

/** An action of a sealed thread that reaches beyond its seal. */
export interface RestrictedAction {
  readonly name: string
  readonly action: string
  readonly resource: string
  /** Whether policies can allow it. */
  readonly byPolicy: boolean
}

/** Who may send a request, and what it contains: checked before its handler sees it. */
export interface RequestRule<Name extends RequestName = RequestName> {
  readonly by: readonly Role[] | 'anyone'
  readonly ask: Guard
  /**
   * The request is for the thread, not for one process in it: code whose process has ended or is unknown may send it
   * too. `ungoverned`: only where policies govern no code of the thread.
   */
  readonly forThread?: 'always' | 'ungoverned'
  /** The kernel does not use the result again, so it need not be copied in its own thread. */
  readonly handsOver?: true
  /** Returns what the request would do beyond the seal of its thread; `undefined` for nothing. */
  beyondSeal?(ask: Requests[Name]['ask'], isSealed: (host: EntryId) => boolean): RestrictedAction | undefined
}

export type RequestRules<Name extends RequestName> = { readonly [Each in Name]: RequestRule<Each> }

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
