/** What a server and a thread that answers requests for it say to each other, over a port of their own. One request at a time. */
import type { EntryId, Frame, Pid, WireError } from '@troupe/core'
import type { Peer } from '@troupe/network'
import type { Program } from '@troupe/process'
import type { ClientCertificate } from '../listener/client-certificate.ts'

/** The first thing that such a thread says: its function is loaded. */
export interface WorkerReady {
  readonly type: 'ready'
}

/** Bytes that are sent along at once; longer bodies are streamed. */
export const wholeBody = 64 * 1024

/** Pieces of a streamed body that may be on their way, or wait to be read. */
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
  /** Who acts, where it is not the service. */
  readonly session: WorkerSession | undefined
}

export interface WorkerResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  /** What is no stream leaves nothing to do: the next request may come. */
  readonly body: { readonly whole: string | Uint8Array<ArrayBuffer> | undefined } | 'stream'
}

/** Parts of a body that is streamed. */
export type BodyPart =
  | { readonly type: 'chunk'; readonly chunk: Uint8Array<ArrayBuffer> }
  | { readonly type: 'end' }
  /** There will be no more of it. */
  | { readonly type: 'broken'; readonly error: WireError }
  /** The other side has room for so many more pieces. */
  | { readonly type: 'pull'; readonly pieces: number }
  /** The other side wants no more. */
  | { readonly type: 'enough' }

/** `number` is the request's: what belongs to an earlier one is late. */
export type ToWorker =
  | { readonly type: 'request'; readonly number: number; readonly request: WorkerRequest }
  | { readonly type: 'cancel'; readonly number: number; readonly reason: string }
  /** Of the request's body, or about the response's. */
  | { readonly type: 'sent' | 'wanted'; readonly number: number; readonly part: BodyPart }

export type FromWorker =
  | { readonly type: 'response'; readonly number: number; readonly response: WorkerResponse }
  | { readonly type: 'failed'; readonly number: number; readonly error: WireError }
  /** Of the response's body, or about the request's. */
  | { readonly type: 'sent' | 'wanted'; readonly number: number; readonly part: BodyPart }
  /** Nothing is left of one that was streamed, or has failed: the next request may come. */
  | { readonly type: 'free'; readonly number: number }
