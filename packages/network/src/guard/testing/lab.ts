/** For tests of the guard: overlays whose proxies run here, each with its own exit address, and networks to run in. */
import { type EntryId, entryId, notFound } from '@troupe/core'
import { type EventEmitter, once } from 'node:events'
import type { Server, Socket } from 'node:net'
import { expect } from 'vitest'
import { provideNetworkAccess } from '../../dial/network-access.ts'
import { route } from '../../drivers/socks5/testing/sample.ts'
import type { Route } from '../../overlay/route.ts'
import { rebindThreadNetwork } from '../../overlay/thread-network.ts'
import { ForwardingProxy, portOf } from './forwarding-proxy.ts'

export { inNetwork } from '../../overlay/thread-network.ts'

export const a: EntryId = entryId('app:a')
export const b: EntryId = entryId('app:b')

export interface Lab extends AsyncDisposable {
  /** The requests that each overlay's proxy received, `host:port`, names as names. */
  readonly asked: ReadonlyMap<EntryId, readonly string[]>
  readonly routes: Map<EntryId, Route>
  /** Whether policies apply to code in this thread. */
  governed: boolean
}

/** Starts overlays `app:a`, which connects from 127.0.0.2, and `app:b`, from 127.0.0.3. */
export async function startLab(): Promise<Lab> {
  // Outside of `inNetwork`, this thread is in the clear network.
  rebindThreadNetwork({ overlay: null })
  const stack = new AsyncDisposableStack()
  const asked = new Map<EntryId, readonly string[]>()
  const routes = new Map<EntryId, Route>()
  for (const [overlay, exit] of [
    [a, '127.0.0.2'],
    [b, '127.0.0.3'],
  ] as const) {
    const proxy = stack.use(await ForwardingProxy.start(exit))
    asked.set(overlay, proxy.asked)
    routes.set(overlay, { ...route(proxy), overlay })
  }
  const lab: Lab = { asked, routes, governed: false, [Symbol.asyncDispose]: async () => stack.disposeAsync() }
  provideNetworkAccess({
    select: async () => {},
    permit: () => undefined,
    governs: () => lab.governed,
    route: async (overlay) => {
      const found = routes.get(overlay)
      if (found === undefined) throw notFound(`there is no overlay ${overlay}`, { overlay })
      return Promise.resolve(found)
    },
  })
  return lab
}

/** Returns the port of a server that listens on 127.0.0.1. */
export async function listening(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return portOf(server)
}

/** Returns all text that a socket receives until it ends. */
export async function textOf(socket: Socket): Promise<string> {
  let text = ''
  for await (const chunk of socket) text += String(chunk)
  return text
}

/** Returns the first argument of an event. */
export async function eventOf(emitter: EventEmitter, name: string): Promise<unknown> {
  const values: readonly unknown[] = await once(emitter, name)
  return values[0]
}

/** In an expected pattern: any text that contains `part`. */
export function containing(part: string): unknown {
  return expect.stringContaining(part)
}

/** In an expected pattern: any text that matches. */
export function matching(pattern: RegExp): unknown {
  return expect.stringMatching(pattern)
}

/** Returns the events of a socket until it is closed. */
export async function eventsOf(socket: Socket, until = 'close'): Promise<string[]> {
  const events: string[] = []
  for (const name of ['lookup', 'connect', 'ready', 'timeout', 'end', 'error', 'close', 'connectionAttempt']) {
    socket.on(name, (value: unknown) => {
      const code: unknown = value instanceof Error && 'code' in value ? value.code : undefined
      events.push(typeof code === 'string' ? `${name} ${code}` : name)
    })
  }
  await new Promise((resolve) => socket.once(until, resolve))
  return events
}
