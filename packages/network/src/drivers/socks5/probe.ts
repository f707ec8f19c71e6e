/** Checks whether a proxy listens at its configured endpoint. */
import { TroupeError, unavailable, withDeadline } from '@troupe/core'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { dial } from '../../dial/dial.ts'
import { connectOwn } from '../../sockets/own-sockets.ts'
import { addressOf, defaultTimeouts, type Proxy, type Socks5Route } from './route.ts'

/** Settles when one of the proxies accepts a connection. @throws TroupeError `Unavailable` when none does. */
export async function reachable({ proxies, via, timeouts = defaultTimeouts }: Socks5Route): Promise<void> {
  const reached = proxies.map(async (proxy) => {
    const socket = await (via === undefined
      ? connected(proxy, timeouts.connect)
      : dial(via, through(proxy), { timeout: timeouts.connect }))
    socket.destroy()
  })
  await Promise.any(reached).catch((error: unknown) => {
    const causes: readonly unknown[] = error instanceof AggregateError ? error.errors : [error]
    const who = proxies.length === 1 ? 'the proxy cannot' : 'none of the proxies can'
    throw unavailable(`${who} be reached: ${reasonOf(causes[0])}`)
  })
}

async function connected(proxy: Proxy, timeout: number): Promise<Socket> {
  const socket = connectOwn(addressOf(proxy))
  try {
    await withDeadline(
      once(socket, 'connect'),
      timeout,
      () => new TroupeError('Timeout', `no connection within ${timeout} ms`),
    )
    return socket.on('error', () => undefined)
  } catch (error) {
    socket.on('error', () => undefined).destroy()
    throw error
  }
}

function through({ host, port = 0 }: Proxy): { readonly host: string; readonly port: number } {
  return { host, port }
}

function reasonOf(error: unknown): string {
  if (error instanceof TroupeError) return error.message
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
