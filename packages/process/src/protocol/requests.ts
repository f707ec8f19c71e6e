/** The requests of threads that the kernel answers. */
import type { EntryId, Frame, Pid } from '@troupe/core'
import type { BindOptions, ConnectRequest, ListenGrant, Peer, ResolvedAddress, Route, SocketHandoff } from '@troupe/network'
import type { PolicyDecision } from '@troupe/policy'
import type { Change, Version } from '@troupe/registry'
import type { MessagePort } from 'node:worker_threads'
import type { LogLine } from './log-line.ts'
import type { CallAnswer, CallRequest, InheritedContext, KnownProgram, SpawnRequest } from './programs.ts'
import type { ChildAddress, ChildCount, ChildView, EntryView, Evaluation, IssuedToken, PolicyView, TokenView } from './views.ts'

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
