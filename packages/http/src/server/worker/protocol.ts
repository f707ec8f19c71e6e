/**
 * The messages between a server and a thread that responds to requests for it, over a port of their own. One request at
 * a time.
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

export interface WorkerRequest {
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly isSecure: boolean
  /** Names and values in turn. */
  readonly headers: string[]
  readonly body: Uint8Array<ArrayBuffer> | 'stream' | undefined
  readonly program: Program
  readonly params: Readonly<Record<string, string>>
  readonly peer: Peer | undefined
  readonly remoteAddress: string | undefined
  readonly certificate: ClientCertificate | undefined
  readonly service: EntryId
  readonly endpoint: EntryId
  readonly deadline: number | undefined
  readonly trace: string | undefined
  /** The identity that acts, where it is not the service's. */
  readonly session: WorkerSession | undefined
}

export interface WorkerResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  /** After a body that is not a stream the request has ended: the next one may come. */
  readonly body: { readonly whole: string | Uint8Array<ArrayBuffer> | undefined } | 'stream'
}

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
  | { readonly type: 'request'; readonly number: number; readonly request: WorkerRequest }
  | { readonly type: 'cancel'; readonly number: number; readonly reason: string }
  /** A part of the request's body, or a message about the response's. */
  | { readonly type: 'sent' | 'wanted'; readonly number: number; readonly part: BodyPart }

export type FromWorker =
  | { readonly type: 'response'; readonly number: number; readonly response: WorkerResponse }
  | { readonly type: 'failed'; readonly number: number; readonly error: WireError }
  /** A part of the response's body, or a message about the request's. */
  | { readonly type: 'sent' | 'wanted'; readonly number: number; readonly part: BodyPart }
  /** A streamed or failed request has ended: the next one may come. */
  | { readonly type: 'free'; readonly number: number }
