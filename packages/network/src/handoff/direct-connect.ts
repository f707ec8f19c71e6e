/**
 * Connections and name look-ups in the clear network, for threads that may do neither themselves. Runs in the kernel.
 */
import type { LookupAddress } from 'node:dns'
import type { LookupFunction, Socket } from 'node:net'
import { TroupeError, unavailable } from '@troupe/core'
import type { ConnectRequest } from '../dial/network-access.ts'
import { connectPlain, systemLookup } from '../sockets/own-sockets.ts'

export type DirectTarget = Omit<ConnectRequest, 'overlay'> & {
  /** How names are resolved. */
  readonly lookup: LookupFunction
  readonly signal: AbortSignal
}

/**
 * Opens a plain connection from this machine.
 *
 * @throws TroupeError `Unavailable`, with the operating system's `code` in its details; the abort reason of the signal.
 */
export async function connectDirect({
  target,
  family,
  localAddress,
  localPort,
  lookup,
  signal,
}: DirectTarget): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const socket = connectPlain({
    ...target,
    lookup,
    ...(family && { family }),
    ...(localAddress !== undefined && { localAddress }),
    ...(localPort !== undefined && { localPort }),
  })
  const stop = () => {
    socket.destroy()
    reject(signal.reason)
  }
  socket.once('connect', resolve).once('error', reject)
  signal.addEventListener('abort', stop, { once: true })
  try {
    await promise
    return socket
  } catch (error) {
    throw error instanceof TroupeError ? error : unavailable(messageOf(error), systemDetails(error))
  } finally {
    signal.removeEventListener('abort', stop)
    // Until the handover, an error has no other listener.
    socket
      .off('connect', resolve)
      .off('error', reject)
      .on('error', () => undefined)
  }
}

/** Returns the addresses of a name, resolved by the operating system. Throws like {@link connectDirect}. */
export async function lookupDirect(name: string, family: 0 | 4 | 6): Promise<readonly LookupAddress[]> {
  return new Promise((resolve, reject) => {
    systemLookup(name, { all: true, family }, (error, found) => {
      if (error) reject(unavailable(error.message, systemDetails(error)))
      else resolve(found)
    })
  })
}

/** When several addresses were tried, the first error counts. */
function systemDetails(thrown: unknown): Record<string, unknown> {
  const error: unknown = thrown instanceof AggregateError ? thrown.errors[0] : thrown
  const fields = ['code', 'errno', 'syscall', 'address', 'port', 'hostname'] as const
  if (typeof error !== 'object' || error === null) return {}
  return Object.fromEntries(fields.filter((field) => field in error).map((field) => [field, Reflect.get(error, field)]))
}

function messageOf(thrown: unknown): string {
  const error: unknown = thrown instanceof AggregateError ? thrown.errors[0] : thrown
  return error instanceof Error ? error.message : String(error)
}
