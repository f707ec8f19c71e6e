/**
 * The messages between a server and a thread that responds to requests for it, over a port of their own. The thread
 * handles one request at a time; a few more may wait behind it in the thread.
 */
import type { EntryId, Frame, Pid, WireError } from '@troupe/core'
import type { Peer } from '@troupe/network'
import type { Program } from '@troupe/process'
import type { ClientCertificate } from '../listener/client-certificate.ts'

/** The first message of such a thread: its function is loaded. */
export interface WorkerReady {
  readonly type: 'ready'
}

/** Maximum size of a body, in bytes, that is sent with its message; longer bodies are streamed. */
export const wholeBody = 64 * 1024

/** Pieces of a streamed body that may be in transit, or wait to be read. */
export const window = 8

export interface WorkerSession {
  readonly pid: Pid
  readonly frame: Frame
}

/** What the requests to one endpoint have in common: a thread receives it once. */
export interface WorkerRoute {
  readonly program: Program
  readonly service: EntryId
  readonly endpoint: EntryId
}

/** What only some requests have. */
export interface RareParts {
  readonly peer: Peer | undefined
  readonly certificate: ClientCertificate | undefined
  /** The identity that acts, where it is not the service's. */
  readonly session: WorkerSession | undefined
  readonly traceState?: string | undefined
}

export interface WorkerRequest {
  readonly route: WorkerRoute
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly isSecure: boolean
  /** Names and values in turn. */
  readonly headers: string[]
  readonly body: Uint8Array<ArrayBuffer> | 'stream' | undefined
  readonly params: Readonly<Record<string, string>> | undefined
  readonly remoteAddress: string | undefined
  readonly deadline: number | undefined
  readonly trace: string | undefined
  readonly rare: RareParts | undefined
}

/**
 * A request as it is sent: a list, because the names of properties would cost more than most values. It begins with the
 * number of the request, its place on the board ({@link CallSlots}), and the number of its route.
 */
export type PostedRequest = readonly [
  number: number,
  place: number,
  route: number,
  method: string,
  url: string,
  isSecure: boolean,
  headers: string[],
  body: WorkerRequest['body'],
  params: WorkerRequest['params'],
  remoteAddress: string | undefined,
  deadline: number | undefined,
  trace: string | undefined,
  rare: RareParts | undefined,
]

/**
 * A response as it is sent: the number of its request, status, fields, and the whole body, or `stream`. After a body
 * that is not a stream the request has ended.
 */
export type PostedResponse = readonly [
  number: number,
  status: number,
  fields: ResponseFields,
  body: { readonly type: 'stream' } | string | Uint8Array<ArrayBuffer> | undefined,
]

export type ResponseFields = Readonly<Record<string, string | readonly string[]>>

/** Parts of a streamed body. */
export type BodyPart =
  | { readonly type: 'chunk'; readonly chunk: Uint8Array<ArrayBuffer> }
  | { readonly type: 'end' }
  /** The body broke off. */
  | { readonly type: 'broken'; readonly error: WireError }
  /** The receiver has room for this many more pieces. */
  | { readonly type: 'pull'; readonly pieces: number }
  /** The receiver needs no more. */
  | { readonly type: 'enough' }

/** `number` identifies the request: a message about an earlier one is late. */
export type ToWorker =
  | readonly PostedRequest[]
  /** The board of the requests that the thread was given. */
  | { readonly type: 'board'; readonly memory: SharedArrayBuffer }
  /** A route, before the first request to it. */
  | { readonly type: 'route'; readonly number: number; readonly route: WorkerRoute }
  | { readonly type: 'cancel'; readonly number: number; readonly reason: string }
  /** A part of the request's body, or a message about the response's. */
  | { readonly type: 'sent' | 'wanted'; readonly number: number; readonly part: BodyPart }

export type FromWorker =
  | PostedResponse
  | { readonly type: 'failed'; readonly number: number; readonly error: WireError }
  /** A part of the response's body, or a message about the request's. */
  | { readonly type: 'sent' | 'wanted'; readonly number: number; readonly part: BodyPart }
  /** A streamed or failed request has ended: the next one may come. */
  | { readonly type: 'free'; readonly number: number }
