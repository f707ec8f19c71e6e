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

/**
 * Bytes to send: text (as UTF-8), bytes, a Blob, or a stream of text and bytes. Streams are read as fast as the connection takes them;
 * a `content-length` in `headers` says how long one is, else it is sent in chunks.
 */
export type BodyContent = string | ArrayBuffer | ArrayBufferView | Blob | AsyncIterable<string | Uint8Array>

/** Bytes to send, or a form: `FormData` goes as `multipart/form-data`, `URLSearchParams` as `application/x-www-form-urlencoded`. */
export type RequestBody = BodyContent | FormData | URLSearchParams

/** One part of `files`. */
export type FilePart = {
  /** The name of the form's field; several parts may have the same. */
  readonly name: string
  /** @default the last part of `path`, the name of a `File`, else none */
  readonly filename?: string | undefined
  /** Media type. @default that of a Blob, else `application/octet-stream`, `text/plain` for text without a file name */
  readonly type?: string | undefined
} & (
  | {
      /** A file of this machine: opened when its turn comes, and anew for each time that it is sent. */
      readonly path: string
    }
  | {
      readonly content: BodyContent
      /** Bytes of a stream. With it, and all others known, the request tells its length. */
      readonly length?: number | undefined
    }
)

/** Where cookies are kept between requests: what `cookieJar()` makes, or any jar of the package `tough-cookie`. */
export interface CookieJar {
  getCookieString(url: string): Promise<string>
  setCookie(cookie: string, url: string, options: { ignoreError: boolean }): Promise<unknown>
}

/** Basic (RFC 7617) or Bearer (RFC 6750) credentials. */
export type Credentials = { readonly username: string; readonly password: string } | { readonly bearer: string }

/** When a request is sent once more. Delays grow twofold and are drawn by chance between nothing and that (full jitter). */
export interface RetryOptions {
  /** How often beyond the first time. @default 2 */
  readonly limit?: number | undefined
  /** The first delay: milliseconds, or a duration. @default 100ms */
  readonly minDelay?: number | string | undefined
  /** The longest delay. @default 10s */
  readonly maxDelay?: number | string | undefined
  /** The longest `Retry-After` that is waited for; what asks for longer is the answer. @default 1m */
  readonly maxRetryAfter?: number | string | undefined
  /** Methods that may be sent twice. @default those that are idempotent (RFC 9110 §9.2.2): GET, HEAD, OPTIONS, PUT, DELETE, TRACE */
  readonly methods?: readonly string[] | undefined
  /** Answers that are no answer. @default 408, 429, 500, 502, 503, 504 */
  readonly statuses?: readonly number[] | undefined
}

/** How far a body is. */
export interface Progress {
  /** Bytes that the connection has taken, or that have come. They begin anew when the body is sent anew. */
  readonly bytes: number
  /** Bytes in all, where that is known. */
  readonly total: number | undefined
}

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
  /** Accepts any certificate. Asks the permission `http_client.insecure_tls`. @default false */
  readonly insecureSkipVerify?: boolean | undefined
}

export interface RequestOptions {
  readonly headers?: HeaderFields | undefined
  /** Appended to the URL's own query. */
  readonly query?: Fields | undefined
  /** At most one of `body`, `json` and `form` (with `files`) is given. */
  readonly body?: RequestBody | undefined
  /** Sent as JSON, `content-type: application/json` unless `headers` say otherwise. */
  readonly json?: unknown
  /** Sent as `application/x-www-form-urlencoded`; beside `files` as parts of its own, which come first. */
  readonly form?: Fields | undefined
  /** Sent as `multipart/form-data` (RFC 7578), read while it is sent. */
  readonly files?: readonly FilePart[] | undefined
  /** Sent along, or a jar: it gives and gets the cookies of each hop. Those that are given by name stay with the first origin. */
  readonly cookies?: Readonly<Record<string, string>> | CookieJar | undefined
  /** Takes the place of credentials in the URL; stays with the first origin. */
  readonly auth?: Credentials | undefined
  /**
   * The longest wait for the head of the answer, redirects and retries included, and after that for each further piece of the body:
   * milliseconds, or a duration such as `1m30s`. The frame's deadline ends a request earlier, its body included.
   *
   * @default 30s
   */
  readonly timeout?: number | string | undefined
  /** Ends the request, its body included, with `Canceled`. */
  readonly signal?: AbortSignal | undefined
  /** The longest body that is taken, in bytes; what is longer ends with `Invalid`. @default 67108864 (64 MiB); none with `stream` */
  readonly maxResponseBody?: number | undefined
  /**
   * Asks for a compressed body, by `accept-encoding`, and undoes gzip, br, zstd and deflate. A body that grows to more than 16 MiB and 250
   * times its size ends with `Invalid`, as one does that is longer than {@link RequestOptions.maxResponseBody} when it is decoded.
   *
   * @default true
   */
  readonly decompress?: boolean | undefined
  /** The body is read piece by piece, however long it is: no limit unless `maxResponseBody` sets one. @default false */
  readonly stream?: boolean | undefined
  /**
   * Connects to this Unix socket in place of the URL's host. Asks the permission `http_client.unix_socket`. It is outside every
   * overlay: in one it is refused, unless `overlayNetwork: null` chooses the clear network.
   */
  readonly unixSocket?: string | undefined
  /**
   * Sends this request, and what it is redirected to, through an overlay; `null`: through the clear network. Asks the
   * permission `network.select`. Absent or empty: the frame's overlay, else the application's default.
   */
  readonly overlayNetwork?: EntryId | (string & {}) | null | undefined
  /**
   * Requests with different keys share no connection and, in an overlay that isolates, nothing else by which they could be recognised (with
   * Tor: no circuit). Absent: in the caller's own network its key; through an overlay chosen with `overlayNetwork` each connection has a key
   * of its own.
   */
  readonly isolation?: string | undefined
  /**
   * Whether the trace in force goes along as `traceparent`. It tells those who see several requests that they belong together, so it stays
   * in the clear network unless this is `true`.
   *
   * @default true in the clear, for code in the clear; else false
   */
  readonly trace?: boolean | undefined
  /**
   * Whether `cookies`, a jar, may be used in another network or with another isolation key than before, where its cookies tell who comes.
   *
   * @default false
   */
  readonly shareCookies?: boolean | undefined
  readonly tls?: TlsOptions | undefined
  /**
   * `follow`: up to 20 redirects, through the same overlay. `manual`: the redirect is the answer. `error`: a redirect ends
   * with `Invalid`.
   *
   * @default 'follow'
   */
  readonly redirect?: 'follow' | 'manual' | 'error' | undefined
  /** Sends again what failed without an answer, or with one that says to come back: a number is the limit. @default 0 */
  readonly retry?: number | RetryOptions | undefined
  /** Called as the body of the request is taken. What it throws ends the request. */
  readonly onUpload?: ((progress: Progress) => void) | undefined
  /** Called as the body of the answer comes. What it throws ends the request. */
  readonly onDownload?: ((progress: Progress) => void) | undefined
}

/** One request of a batch: method, URL, options. */
export type BatchRequest = readonly [method: string, url: string | URL, options?: RequestOptions | undefined]

/** What became of one request of a batch. */
export type BatchResult =
  | { readonly response: Response; readonly error?: never }
  | { readonly error: TroupeError; readonly response?: never }
