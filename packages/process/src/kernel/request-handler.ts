/** What the kernel calls for a request of a thread. */
import type { RequestName, Requests } from '../protocol/kernel-thread.ts'
import type { Thread } from '../worker-threads/thread.ts'
import type { ProcessRecord } from './process-table.ts'

/** Who asks, and from where. */
export interface Requester {
  readonly record: ProcessRecord
  readonly thread: Thread
  /** The request's number, by which it can be cancelled. */
  readonly number: number
  /** What changes its thread with the answer. */
  readonly transfer: object[]
}

/** Answers requests of one name. */
export type Handler<Name extends RequestName> = (
  ask: Requests[Name]['ask'],
  requester: Requester,
) => Requests[Name]['answer'] | Promise<Requests[Name]['answer']>

export type Handlers = { [Name in RequestName]?: Handler<Name> }
