/** The arguments of `net.Socket.connect`, in any of its forms. */

export interface ConnectCall {
  readonly options: Readonly<Record<PropertyKey, unknown>>
  readonly callback: unknown
}

/**
 * Parses the arguments as Node does: options, or a path, or a port with an optional host; a list of those from
 * `net.connect`.
 */
export function readConnect(args: readonly unknown[]): ConnectCall {
  const list: readonly unknown[] = Array.isArray(args[0]) ? args[0] : args
  const [first, second] = list
  const last = list.at(-1)
  const callback = typeof last === 'function' ? last : undefined
  if (isObject(first)) return { options: first, callback }
  if (typeof first === 'string' && !(Number(first) >= 0)) return { options: { path: first }, callback }
  return { options: { port: first, ...(typeof second === 'string' && { host: second }) }, callback }
}

function isObject(value: unknown): value is Readonly<Record<PropertyKey, unknown>> {
  return typeof value === 'object' && value !== null
}

/**
 * Milliseconds for a dial: as long as operating systems wait for a connection. For a shorter wait the caller sets a
 * timeout, or destroys the socket.
 */
export const dialTimeout = 130_000
