/** What a caller may say about a request. */
import type { EntryId, TroupeError } from '@troupe/core'

/** What a query or a form may hold under one name. `null` and `undefined` leave the name out; a list repeats it. */
export type FieldValue = string | number | boolean | null | undefined | readonly (string | number | boolean)[]

/** Names and values, in order. */
export type Fields = URLSearchParams | Readonly<Record<string, FieldValue>>

/** Header fields: an object (a list repeats the field), pairs, or the platform's `Headers`. */
export type HeaderFields =
  | Headers
  | readonly (readonly [string, string])[]
  | Readonly<Record<string, string | readonly string[] | undefined>>

/** Bytes to send: text (as UTF-8), bytes, or a stream of either. Streams are read as fast as the connection takes them. */
export type RequestBody = string | Uint8Array | AsyncIterable<string | Uint8Array>

/** How `https:` is spoken, in the clear and through overlays alike. */
export interface TlsOptions {
  /** Our certificate chain, PEM. */
  readonly cert?: string | Uint8Array | undefined
  /** The key of {@link TlsOptions.cert}, PEM. */
  readonly key?: string | Uint8Array | undefined
  /** Authorities to trust instead of the well-known ones, PEM. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[] | undefined
  /** The name to ask for and to verify instead of the URL's host (RFC 6066 §3). */
  readonly serverName?: string | undefined
  /** Accepts any certificate. @default false */
  readonly insecureSkipVerify?: boolean | undefined
}

export interface RequestOptions {
  readonly headers?: HeaderFields | undefined
  /** Appended to the URL's own query. */
  readonly query?: Fields | undefined
  /** At most one of `body`, `json` and `form` is given. */
  readonly body?: RequestBody | undefined
  /** Sent as JSON, `content-type: application/json` unless `headers` say otherwise. */
  readonly json?: unknown
  /** Sent as `application/x-www-form-urlencoded`. */
  readonly form?: Fields | undefined
  /**
   * The longest wait for the head of the answer, redirects included, and after that for each further piece of the body:
   * milliseconds, or a duration such as `1m30s`. The frame's deadline ends a request earlier, its body included.
   *
   * @default 30s
   */
  readonly timeout?: number | string | undefined
  /** Ends the request, its body included, with `Canceled`. */
  readonly signal?: AbortSignal | undefined
  /** The longest body that is taken, in bytes; what is longer ends with `Invalid`. @default 67108864 (64 MiB) */
  readonly maxResponseBody?: number | undefined
  /**
   * Sends this request, and what it is redirected to, through an overlay; `null`: through the clear network. Asks the
   * permission `network.select`. Absent or empty: the frame's overlay, else the application's default.
   */
  readonly overlayNetwork?: EntryId | (string & {}) | null | undefined
  readonly tls?: TlsOptions | undefined
  /**
   * `follow`: up to 20 redirects, through the same overlay. `manual`: the redirect is the answer. `error`: a redirect ends
   * with `Invalid`.
   *
   * @default 'follow'
   */
  readonly redirect?: 'follow' | 'manual' | 'error' | undefined
}

/** One request of a batch: method, URL, options. */
export type BatchRequest = readonly [method: string, url: string | URL, options?: RequestOptions | undefined]

/** What became of one request of a batch. */
export type BatchResult =
  | { readonly response: Response; readonly error?: never }
  | { readonly error: TroupeError; readonly response?: never }
