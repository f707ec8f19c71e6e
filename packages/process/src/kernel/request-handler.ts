/** The functions that the kernel calls for requests of threads. */
import type { RequestName, Requests } from '../protocol/requests.ts'
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

export type Handlers = { [Name in RequestName]?: Handler<Name> }
