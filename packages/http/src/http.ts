/** The API of the HTTP client. Its implementation is loaded with the first request. */
import { currentFrame } from '@troupe/core'
import type * as Client from './client/request.ts'
import { events } from './events/response-stream.ts'
import type { BatchRequest, BatchResult, RequestOptions } from './options.ts'

let client: typeof Client | undefined
let loading: Promise<typeof Client> | undefined
// undici takes tens of milliseconds to load: threads without requests do not load it.
const load = () => (loading ??= import('./client/request.ts').then((loaded) => (client = loaded)))

/**
 * HTTP through the current overlay, or through the one that `overlayNetwork` selects.
 *
 * Every call returns a standard `Response` whose body streams; a status such as 404 is a response, not an error. A
 * failed call rejects with a `TroupeError`: `Invalid` (URL, options, no application), `PermissionDenied` or `NotFound`
 * (a selected overlay), `Unavailable` (proxy, target, TLS; never a fall-back to the clear network), `Timeout`,
 * `Canceled`. An error after the head of the response fails the body's stream.
 *
 * @example
 * ```ts
 * const response = await http.get('https://example.com/', { overlayNetwork: 'app:proxy', query: { page: 2 } })
 * console.log(response.status, await response.text())
 * ```
 */
export const http = {
  /**
   * Sends a GET request. Throws like {@link http}.
   *
   * @example
   * ```ts
   * const response = await http.get('https://example.org/', { timeout: '5s' })
   * console.log(response.status, await response.text())
   * ```
   */
  get: (url: string | URL, options?: RequestOptions) => request('GET', url, options),
  /**
   * Sends a POST request. Throws like {@link http}.
   *
   * @example
   * ```ts
   * await http.post('https://example.org/orders', { json: { article: 7 } })
   * ```
   */
  post: (url: string | URL, options?: RequestOptions) => request('POST', url, options),
  /**
   * Sends a PUT request. Throws like {@link http}.
   *
   * @example
   * ```ts
   * await http.put('https://example.org/orders/7', { json: { article: 8 } })
   * ```
   */
  put: (url: string | URL, options?: RequestOptions) => request('PUT', url, options),
  /**
   * Sends a PATCH request. Throws like {@link http}.
   *
   * @example
   * ```ts
   * await http.patch('https://example.org/orders/7', { json: { count: 2 } })
   * ```
   */
  patch: (url: string | URL, options?: RequestOptions) => request('PATCH', url, options),
  /**
   * Sends a DELETE request. Throws like {@link http}.
   *
   * @example
   * ```ts
   * await http.delete('https://example.org/orders/7')
   * ```
   */
  delete: (url: string | URL, options?: RequestOptions) => request('DELETE', url, options),
  /**
   * Sends a HEAD request. Throws like {@link http}.
   *
   * @example
   * ```ts
   * const { headers } = await http.head('https://example.org/')
   * ```
   */
  head: (url: string | URL, options?: RequestOptions) => request('HEAD', url, options),
  /**
   * Sends a request with any method except CONNECT.
   *
   * @example
   * ```ts
   * await http.request('OPTIONS', 'https://example.org/')
   * ```
   */
  request,
  /**
   * Sends requests concurrently. A denied or invalid request rejects the whole batch before anything is sent. Otherwise
   * each request gets a `response` or an `error`, in order.
   *
   * @example
   * ```ts
   * const results = await http.batch([['GET', 'https://example.org/'], ['GET', 'https://example.com/']])
   * for (const result of results) console.log('error' in result ? result.error.message : result.response.status)
   * ```
   */
  batch,
  /** Responds to a request with a stream of server-sent events. */
  events,
} as const

function request(method: string, url: string | URL, options?: RequestOptions): Promise<Response> {
  // Before the first await: a process's frame is that of the message it handles now.
  const frame = currentFrame()
  if (client !== undefined) return client.request(method, url, options, frame)
  return load().then(({ request }) => request(method, url, options, frame))
}

async function batch(requests: readonly BatchRequest[]): Promise<BatchResult[]> {
  const frame = currentFrame()
  const { batch } = await load()
  return batch(requests, frame)
}

/**
 * Closes this thread's connections, for an orderly shutdown. Running requests may finish for `drain` milliseconds; then
 * they fail with `Canceled`.
 *
 * @param drain Milliseconds; 1000 by default.
 * @param application - Only the connections of one application: see `Route.application`.
 */
export async function closeHttpPools(drain = 1000, application?: number): Promise<void> {
  if (loading === undefined) return
  const { closeAgents } = await loading
  await closeAgents(drain, application)
}
