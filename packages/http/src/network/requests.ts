/** `request` and `get` of `node:http`, and `fetch`, through a network. */
import { invalid, lazyModule } from '@troupe/core'
import type { Agent, get, request, RequestOptions } from 'node:http'
import { createRequire } from 'node:module'
import type * as Undici from 'undici'

/** undici takes tens of milliseconds to load: it loads at the first use. */
export const undici = lazyModule<typeof Undici>(() => createRequire(import.meta.url)('undici'))

/** `request` and `get`, for `http:` and `https:` URLs. */
export interface HttpRequests {
  readonly get: typeof get
  readonly request: typeof request
}

/** Options that would take a request out of the network. */
const detours = ['socketPath', 'createConnection', 'agent'] as const

export function requestsThrough(agent: Agent): HttpRequests {
  const call = (method: 'get' | 'request', args: readonly unknown[]) => {
    const [first, second, ...rest] = args
    const isUrl = typeof first === 'string' || first instanceof URL
    const url = isUrl ? new URL(first) : undefined
    const given: unknown = isUrl ? second : first
    const options = optionsOf(given)
    const callback = [given, second, ...rest].find((each) => typeof each === 'function')
    const protocol = url?.protocol ?? options.protocol ?? 'http:'
    const run = process.getBuiltinModule(protocol === 'https:' ? 'node:https' : 'node:http')[method]
    const all = [...(url ? [url] : []), { ...options, agent }, ...(callback === undefined ? [] : [callback])]
    const request: unknown = Reflect.apply(run, undefined, all)
    return request
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the overloads of node:http
  return {
    get: (...args: readonly unknown[]) => call('get', args),
    request: (...args: readonly unknown[]) => call('request', args),
  } as HttpRequests
}

function optionsOf(given: unknown): RequestOptions {
  if (typeof given !== 'object' || given === null) return {}
  for (const name of detours) {
    const value: unknown = Reflect.get(given, name)
    if (value !== undefined && value !== null)
      throw invalid(`options.${name} would take the request out of the network: leave it out`, { path: name })
  }
  return given
}

/** Returns a `fetch` that uses `dispatcher` for everything, redirects too. */
export function fetchThrough(dispatcher: () => Undici.Dispatcher): typeof globalThis.fetch {
  const through = async (input: unknown, init: RequestInit = {}): Promise<unknown> => {
    const { fetch } = undici()
    const [url, own] = input instanceof Request ? [input.url, partsOf(input)] : [input, {}]
    const body = bodyOf(init.body)
    const args = [url, { ...own, ...init, ...(body !== undefined && { body }), dispatcher: dispatcher() }]
    const response: unknown = await Reflect.apply(fetch, undefined, args)
    return response
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- undici's own fetch has the same form
  return through as typeof globalThis.fetch
}

/** undici knows only its own requests. */
function partsOf(request: Request): RequestInit {
  const { method, headers, body, redirect, signal, credentials, integrity, keepalive, referrerPolicy } = request
  const parts = { method, headers: [...headers], redirect, signal, credentials, integrity, keepalive, referrerPolicy }
  return body === null ? parts : Object.assign(parts, { body, duplex: 'half' as const })
}

/** undici knows only its own forms. */
function bodyOf(body: RequestInit['body']): unknown {
  if (!(body instanceof FormData)) return body ?? undefined
  const form = new (undici().FormData)()
  for (const [name, value] of body) {
    if (typeof value === 'string') form.append(name, value)
    else form.append(name, value, value.name)
  }
  return form
}
