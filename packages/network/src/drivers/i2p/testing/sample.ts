/** For tests: keys that look like those of a router, and routes to a bridge on this machine. */
import { entryId, TroupeError } from '@troupe/core'
import { createHash } from 'node:crypto'
import type { Route } from '../../../overlay/route.ts'
import { defaultTimeouts, type I2pRoute, type Timeouts } from '../route.ts'

/** Returns a different EdDSA destination for each `seed`. */
export function destination(seed = 'sample'): string {
  const keys = Buffer.concat(
    Array.from({ length: 12 }, (_, part) => createHash('sha256').update(`${seed} ${part}`).digest()),
  )
  return written(Buffer.concat([keys, Buffer.from([5, 0, 4, 0, 7, 0, 0])]))
}

/** Returns its private key: the destination, followed by secrets. */
export function privateKey(seed = 'sample'): string {
  const bytes = Buffer.from(destination(seed).replaceAll('-', '+').replaceAll('~', '/'), 'base64')
  return written(Buffer.concat([bytes, Buffer.alloc(288, seed)]))
}

function written(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '~')
}

export const peer = { host: `${'abcd'.repeat(13)}.b32.i2p`, port: 80 }

/** A route to a bridge of this machine. There are no waits, unless the limits set them. */
export function route(
  { port }: { readonly port: number },
  limits: Partial<Timeouts> = {},
  config: Partial<I2pRoute> = {},
): Route {
  const i2p: I2pRoute = {
    bridge: { host: '127.0.0.1', port },
    session: 'the-session',
    timeouts: { ...defaultTimeouts, wait: 0, ...limits },
    ...config,
  }
  return { overlay: entryId('app:i2p'), generation: 1, driver: 'i2p', config: i2p }
}

/** Returns the error with which a promise rejects. */
export async function failure(promise: Promise<unknown>): Promise<TroupeError> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof TroupeError)) throw new Error(`expected a TroupeError, got ${String(error)}`)
  return error
}
