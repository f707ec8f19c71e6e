/** The functions that the kernel calls for requests of threads. */
import type { KernelRequests, RequestName, RequestRule, Requests } from '../protocol/requests.ts'
import type { Thread } from '../worker-threads/thread.ts'
import type { ProcessRecord } from './process-table.ts'

/** The caller of a request, and its thread. */
export interface Requester {
  readonly record: ProcessRecord
  readonly thread: Thread
  /** The request's number, by which it can be cancelled. */
  readonly number: number
  /** Objects that move to the caller's thread with the result. */
  readonly transfer: object[]
}

/** Handles requests of one name. */
export type Handler<Name extends RequestName> = (
  ask: Requests[Name]['ask'],
  requester: Requester,
) => Requests[Name]['answer'] | Promise<Requests[Name]['answer']>

/** The handlers of the requests of this package. */
export type KernelHandlers = { readonly [Name in keyof KernelRequests]?: Handler<Name> }

/** Requests whose handlers are registered later: by the supervisors, and by the application. */
type HandledLater =
  | 'startChild'
  | 'terminateChild'
  | 'restartChild'
  | 'deleteChild'
  | 'whichChildren'
  | 'countChildren'
  | 'partition'
  | 'sendLater'
  | 'cancelLater'
  | 'log'
  | 'input'

/** The handlers that the kernel has from its start. */
export type OwnHandlers = { readonly [Name in Exclude<keyof KernelRequests, HandledLater>]: Handler<Name> }

/** A request that the kernel knows. */
export interface KnownRequest<Name extends RequestName = RequestName> {
  readonly rule: RequestRule<Name>
  /** Absent where this application has none. */
  handle?(
    ask: Requests[Name]['ask'],
    requester: Requester,
  ): Requests[Name]['answer'] | Promise<Requests[Name]['answer']>
}
