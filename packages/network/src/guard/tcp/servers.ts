/** Servers that listen in a frame with an overlay: they accept their connections from it, or are refused. */
import { isIP, Server } from 'node:net'
import type { EntryId } from '@troupe/core'
import { listenOn } from '../../listen/listen-on.ts'
import { checkPermission, pathAsked } from '../../sockets/socket-permission.ts'
import { isSealed, sealedRefusal } from '../../sealed/sealed.ts'
import { threadOverlay } from '../../overlay/thread-network.ts'
import { property } from '../../sockets/internals.ts'
import { listenClear, listenOwn } from '../../sockets/own-sockets.ts'
import { type AllowedTargets, allowedTargets } from '../allowed-targets.ts'
import { isWholeProgram } from '../whole-program.ts'
import { unbound, deniedIn } from '../errors.ts'
import { type Callable, isCallable, replaceMethod } from '../node/patch.ts'

/** The addresses that mean "all addresses". An overlay is not this machine, so a narrower address is impossible. */
const everywhere: ReadonlySet<unknown> = new Set([undefined, null, '', '0.0.0.0', '::'])

const nameNone = 'Its servers are reached by the overlay’s own address: leave the host out'
const takePort = 'Listen on a port'
const allowAddress = 'To listen on this machine, name its address or path: troupe exec --allow 127.0.0.1'

export function guardServers(): void {
  replaceMethod(Server.prototype, 'listen', (original, self, args) => {
    if (!(self instanceof Server)) return Reflect.apply(original, self, args)
    const network = threadOverlay()
    if (network === undefined) throw unbound('net.Server.listen')
    if (network === null && isSealed())
      throw sealedRefusal('net.Server.listen', 'Listen in a host whose network is not sealed')
    if (network === null) return listenHere(self, args, original)
    if (listenAllowed(self, args, original)) return self
    listenIn(network, self, args)
    return self
  })
}

/** Listens in the clear network, once that is allowed. */
function listenHere(server: Server, args: readonly unknown[], original: Callable): unknown {
  const { port, host, path } = placeOf(args)
  const asked = checkPermission(
    'socket.listen',
    typeof path === 'string' ? pathAsked(path) : everywhere.has(host) ? '::' : String(host),
    port,
  )
  if (asked === undefined) return Reflect.apply(original, server, args)
  let closed = false
  server.once('close', () => {
    closed = true
  })
  // A server that was closed meanwhile does not listen, and has no listener for the result.
  asked.then(
    () => {
      if (!closed) Reflect.apply(original, server, args)
    },
    (error: unknown) => {
      if (!closed) server.emit('error', error)
    },
  )
  return server
}

/**
 * Listens on this machine, where the caller of the whole program allowed that address. Returns whether it did. The
 * primary of a cluster listens for its workers.
 */
function listenAllowed(server: Server, args: readonly unknown[], original: Callable): boolean {
  const targets = allowedTargets()
  if (targets === undefined) return false
  const { port, host, path, signal } = placeOf(args)
  const isPath = typeof path === 'string' && path.startsWith('/')
  const address = everywhere.has(host) ? undefined : String(host).replace(/^localhost$/i, '127.0.0.1')
  if (isPath ? !targets.hasPath(path) : port === undefined || !isAllowedAddress(targets, address)) return false
  if (process.getBuiltinModule('node:cluster').isWorker) {
    Reflect.apply(original, server, args)
    return true
  }
  const done = args.at(-1)
  if (isCallable(done)) server.once('listening', () => void Reflect.apply(done, server, []))
  if (isPath) listenOwn(server, path)
  else listenClear(server, port ?? 0, address)
  if (signal instanceof AbortSignal) signal.addEventListener('abort', () => server.close(), { once: true })
  return true
}

/** A server that names no host listens on all addresses: the caller allows that by one of these. */
const everyAddress = ['0.0.0.0', '::']

/** Names are not looked up here. */
function isAllowedAddress(targets: AllowedTargets, address: string | undefined): boolean {
  if (address === undefined) return everyAddress.some((all) => targets.hasHost(all))
  return isIP(address) !== 0 && targets.hasHost(address)
}

function listenIn(overlay: EntryId, server: Server, args: readonly unknown[]): void {
  const { port, host, signal } = placeOf(args)
  const remedy = (inApplication: string) => (isWholeProgram() ? allowAddress : inApplication)
  if (port === undefined)
    throw deniedIn(overlay, 'net.Server.listen on a path, a handle or a descriptor', remedy(takePort))
  if (!everywhere.has(host)) throw deniedIn(overlay, `net.Server.listen on the host ${String(host)}`, remedy(nameNone))
  const done = args.at(-1)
  if (isCallable(done)) server.once('listening', () => void Reflect.apply(done, server, []))
  listenOn(server, overlay, { port })
  if (signal instanceof AbortSignal) signal.addEventListener('abort', () => server.close(), { once: true })
}

interface ListenAddress {
  /** Absent if the arguments name no port. */
  readonly port?: number
  readonly host?: unknown
  readonly path?: unknown
  readonly signal?: unknown
}

/** The forms of `listen`: options, or port, host and backlog; without any of them, any port. */
function placeOf([first, second]: readonly unknown[]): ListenAddress {
  if (first === undefined || first === null || isCallable(first)) return { port: 0 }
  if (typeof first === 'object') {
    if (
      property(first, 'path') !== undefined ||
      property(first, 'fd') !== undefined ||
      property(first, '_handle') !== undefined
    ) {
      return { path: property(first, 'path') ?? '/a handle' }
    }
    return {
      ...numbered(property(first, 'port') ?? 0),
      host: property(first, 'host'),
      signal: property(first, 'signal'),
    }
  }
  if (typeof first === 'string' && !(Number(first) >= 0)) return { path: first }
  return { ...numbered(first), ...(typeof second === 'string' && { host: second }) }
}

function numbered(port: unknown): { readonly port?: number } {
  const number = Number(port)
  return Number.isInteger(number) && number >= 0 && number <= 65_535 ? { port: number } : {}
}
