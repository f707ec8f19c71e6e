/** For tests: messages of the protocol, and a route to a proxy on this machine. */
import { entryId, TroupeError } from '@troupe/core'
import type { Socket } from 'node:net'
import type { Route } from '../../../overlay/route.ts'
import type { IsolationRule, Proxy, Socks5Route } from '../route.ts'

export const greeting = Buffer.from([5, 0])
export const askLogin = Buffer.from([5, 2])
export const loginTaken = Buffer.from([1, 0])
export const login = { username: 'carol', password: 'hunter2' }
export const isolate: IsolationRule = { by: 'connection', form: 'login', seed: 'seed' }
export const granted = {
  ipv4: Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 80]),
  name: Buffer.from([5, 0, 0, 3, 4, ...Buffer.from('test'), 0, 80]),
  ipv6: Buffer.from([5, 0, 0, 4, ...Buffer.alloc(16), 0, 80]),
}
export const target = { host: 'example.test', port: 80 }

/** A route to a proxy of this machine, or to that of `config`. */
export function route(proxy: { port: number }, config: Partial<Socks5Route & Proxy> = {}): Route {
  const { host = '127.0.0.1', port = proxy.port, login, ...rest } = config
  return {
    overlay: entryId('app:proxy'),
    generation: 1,
    driver: 'socks5',
    config: { proxies: [{ host, port, ...(login && { login }) }], ...rest } satisfies Socks5Route,
  }
}

/** Returns the error with which a dial rejects. */
export async function failure(dialled: Promise<Socket>): Promise<TroupeError> {
  const error: unknown = await dialled.then(
    (socket) => socket.destroy(),
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof TroupeError)) throw new Error(`expected a TroupeError, got ${String(error)}`)
  return error
}
