/** The options of a request. */
import type { EntryId, TroupeError } from '@troupe/core'

/**
 * The values that a query or a form can have under one name. `null` and `undefined` omit the name; a list repeats it.
 */
export type FieldValue = string | number | boolean | null | undefined | readonly (string | number | boolean)[]

/** Names and values, in order. */
export type Fields = URLSearchParams | Readonly<Record<string, FieldValue>>

/** Header fields: an object (a list repeats the field), pairs, or the platform's `Headers`. */
export type HeaderFields =
  | Headers
  | readonly (readonly [string, string])[]
  | Readonly<Record<string, string | readonly string[] | undefined>>

/**
 * Bytes to send: text (as UTF-8), bytes, a Blob, or a stream of text and bytes. Streams are read as fast as the
 * connection accepts them. A `content-length` in `headers` states the length of a stream; without it, the stream is
 * sent in chunks.
 */
export type BodyContent = string | ArrayBuffer | ArrayBufferView | Blob | AsyncIterable<string | Uint8Array>

/**
 * Bytes to send, or a form: `FormData` is sent as `multipart/form-data`, `URLSearchParams` as
 * `application/x-www-form-urlencoded`.
 */
export type RequestBody = BodyContent | FormData | URLSearchParams

/** One part of `files`. */
export type FilePart = {
  /** The name of the form's field; several parts may have the same name. */
  readonly name: string
  /** @default the last part of `path`, the name of a `File`, else none */
  readonly filename?: string | undefined
  /** Media type. @default that of a Blob, else `application/octet-stream`, `text/plain` for text without a file name */
  readonly type?: string | undefined
} & (
  | {
      /** A file of this machine. It is opened when it is next, and opened again each time that it is sent. */
      readonly path: string
    }
  | {
      /** The bytes of the file. */
      readonly content: BodyContent
      /** Bytes of a stream. If the length of each part is known, the request has a `content-length`. */
      readonly length?: number | undefined
    }
)

/** Keeps cookies between requests: the result of `cookieJar()`, or any jar of the package `tough-cookie`. */
export interface CookieJar {
  /**
   * Returns the value of the header `cookie` for a URL.
   *
   * @example
   * ```ts
   * const cookies = await cookieJar()
   * await http.get('https://example.org/login', { cookies })
   * console.log(await cookies.getCookieString('https://example.org/')) // session=1f7a
   * ```
   */
  getCookieString(url: string): Promise<string>
  /**
   * Keeps a cookie of a response.
   *
   * @example
   * ```ts
   * const cookies = await cookieJar()
   * await cookies.setCookie('session=1f7a; Secure', 'https://example.org/', { ignoreError: false })
   * ```
   */
  setCookie(cookie: string, url: string, options: { ignoreError: boolean }): Promise<unknown>
}

/** Basic (RFC 7617) or Bearer (RFC 6750) credentials. */
export type Credentials = { readonly username: string; readonly password: string } | { readonly bearer: string }

/**
 * When a request is sent once more. The upper limit of the delay doubles each time; the delay is a random value between
 * 0 and that limit (full jitter).
 */
export interface RetryOptions {
  /** Maximum number of retries. @default 2 */
  readonly limit?: number | undefined
  /** The first delay: milliseconds, or a duration. @default 100ms */
  readonly minDelay?: number | string | undefined
  /** The longest delay. @default 10s */
  readonly maxDelay?: number | string | undefined
  /** The longest `Retry-After` that is respected; a response with a longer one is returned. @default 1m */
  readonly maxRetryAfter?: number | string | undefined
  /**
   * Methods that may be sent twice.
   *
   * @default those that are idempotent (RFC 9110 §9.2.2): GET, HEAD, OPTIONS, PUT, DELETE, TRACE
   */
  readonly methods?: readonly string[] | undefined
  /** Statuses of responses that cause a retry. @default 408, 429, 500, 502, 503, 504 */
  readonly statuses?: readonly number[] | undefined
}

/** Progress of a body. */
export interface Progress {
  /** Bytes that the connection has accepted, or that have arrived. The count restarts when the body is sent again. */
  readonly bytes: number
  /** Total bytes, where that is known. */
  readonly total: number | undefined
}

/** TLS options for `https:`, in the clear and through overlays alike. */
export interface TlsOptions {
  /** Our certificate chain, PEM. */
  readonly cert?: string | Uint8Array | undefined
  /** The key of {@link TlsOptions.cert}, PEM. */
  readonly key?: string | Uint8Array | undefined
  /** Authorities to trust instead of the well-known ones, PEM. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[] | undefined
  /** The name to request and to verify instead of the URL's host (RFC 6066 §3). */
  readonly serverName?: string | undefined
  /** Accepts any certificate. Requires the permission `http_client.insecure_tls`. @default false */
  readonly insecureSkipVerify?: boolean | undefined
}

/** Options of a request: fields, body, limits, TLS and network. */
export interface RequestOptions {
  /** Headers of the request. */
  readonly headers?: HeaderFields | undefined
  /** Appended to the URL's own query. */
  readonly query?: Fields | undefined
  /** At most one of `body`, `json` and `form` (with `files`) is allowed. */
  readonly body?: RequestBody | undefined
  /** Sent as JSON, with `content-type: application/json` unless `headers` set another. */
  readonly json?: unknown
  /**
   * Sent as `application/x-www-form-urlencoded`; together with `files` as parts of the multipart form, before the
   * files.
   */
  readonly form?: Fields | undefined
  /** Sent as `multipart/form-data` (RFC 7578), read while it is sent. */
  readonly files?: readonly FilePart[] | undefined
  /**
   * Cookies by name, or a jar. A jar supplies and stores the cookies of each hop. Cookies by name are sent only to the
   * first origin.
   */
  readonly cookies?: Readonly<Record<string, string>> | CookieJar | undefined
  /** Replaces credentials in the URL; sent only to the first origin. */
  readonly auth?: Credentials | undefined
  /**
   * The longest wait for the head of the response, including redirects and retries, and after that for each further
   * piece of the body. In milliseconds, or a duration such as `1m30s`. The frame's deadline ends a request earlier,
   * including its body.
   *
   * @default 30s
   */
  readonly timeout?: number | string | undefined
  /** Ends the request, including its body, with `Canceled`. */
  readonly signal?: AbortSignal | undefined
  /**
   * The longest body that is accepted, in bytes; a longer one fails with `Invalid`.
   *
   * @default 67108864 (64 MiB); none with `stream`
   */
  readonly maxResponseBody?: number | undefined
  /**
   * Requests a compressed body, by `accept-encoding`, and decodes gzip, br, zstd and deflate. A body fails with
   * `Invalid` when it expands to more than 16 MiB and 250 times its size, or when its decoded form is longer than
   * {@link RequestOptions.maxResponseBody}.
   *
   * @default true
   */
  readonly decompress?: boolean | undefined
  /** Streams the body piece by piece, however long it is: no limit unless `maxResponseBody` sets one. @default false */
  readonly stream?: boolean | undefined
  /**
   * Connects to this Unix socket in place of the URL's host. Requires the permission `http_client.unix_socket`. A Unix
   * socket is outside every overlay: in an overlay it is refused, unless `overlayNetwork: null` selects the clear
   * network.
   */
  readonly unixSocket?: string | undefined
  /**
   * Sends this request, and its redirects, through an overlay; `null`: through the clear network. Requires the
   * permission `network.select`. Absent or empty: the frame's overlay, else the application's default.
   */
  readonly overlayNetwork?: EntryId | (string & {}) | null | undefined
  /**
   * Requests with different keys share no connection. In an overlay that isolates, they share nothing else by which
   * they could be recognised (with Tor: no circuit). Absent: in the caller's own network its key; through an overlay
   * selected with `overlayNetwork` each connection has a key of its own.
   */
  readonly isolation?: string | undefined
  /**
   * Whether the request carries the current trace as `traceparent`. A trace shows servers which requests belong
   * together, so it stays in the clear network unless this is `true`.
   *
   * @default true in the clear, for code in the clear; else false
   */
  readonly trace?: boolean | undefined
  /**
   * Whether a jar in `cookies` may be used in another network or with another isolation key than before, where its
   * cookies identify the client.
   *
   * @default false
   */
  readonly shareCookies?: boolean | undefined
  /** TLS of `https:` URLs. @default the certificate authorities of Node */
  readonly tls?: TlsOptions | undefined
  /**
   * `follow`: up to 20 redirects, through the same overlay. `manual`: returns the redirect as the response. `error`: a
   * redirect fails with `Invalid`.
   *
   * @default 'follow'
   */
  readonly redirect?: 'follow' | 'manual' | 'error' | undefined
  /**
   * Sends a request again that failed without a response, or with one that allows a retry: a number is the limit.
   *
   * @default 0
   */
  readonly retry?: number | RetryOptions | undefined
  /** Called as the body of the request is sent. An error that it throws ends the request. */
  readonly onUpload?: ((progress: Progress) => void) | undefined
  /** Called as the body of the response arrives. An error that it throws ends the request. */
  readonly onDownload?: ((progress: Progress) => void) | undefined
}

/** One request of a batch: method, URL, options. */
export type BatchRequest = readonly [method: string, url: string | URL, options?: RequestOptions | undefined]

/** The result of one request of a batch. */
export type BatchResult =
  | { readonly response: Response; readonly error?: never }
  | { readonly error: TroupeError; readonly response?: never }
