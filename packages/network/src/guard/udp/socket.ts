/**
 * `dgram.Socket`: in an overlay its datagrams go through the overlay, if that carries datagrams. In the clear network
 * permission is checked where policies apply.
 */
import type { EntryId } from '@troupe/core'
import dgram from 'node:dgram'
import { isSealed, sealedRefusal } from '../../sealed/sealed.ts'
import { threadOverlay } from '../../overlay/thread-network.ts'
import { checkPermission, unasked } from '../../sockets/socket-permission.ts'
import { noteDatagramOptions } from './options.ts'
import { property } from '../../sockets/internals.ts'
import { isOwnDatagrams } from '../../sockets/own-datagrams.ts'
import { OverlayDatagrams } from './overlay-datagrams.ts'
import { unbound, deniedError } from '../errors.ts'
import { refuseFakeAddress } from '../dns/real-host.ts'
import { readBind, readConnect, readSend } from './arguments.ts'
import { type Callable, callLater, isCallable, replaceMethod } from '../node/patch.ts'

/** `null` for sockets of the clear network. */
const owners = new WeakMap<dgram.Socket, OverlayDatagrams | null>()
/** Sockets that do not keep their thread alive. */
const released = new WeakSet<dgram.Socket>()

export function guardDatagrams(): void {
  noteDatagramOptions()
  const { prototype } = dgram.Socket
  use('bind', {
    overlay: (datagrams, args) => datagrams.bind(readBind(args)),
    clear: (args) => {
      const { port, address, callback } = readBind(args)
      return { asked: checkPermission('socket.listen', address ?? '::', port), callback }
    },
  })
  use('connect', {
    overlay: (datagrams, args) => datagrams.connect(readConnect(args)),
    clear: (args) => {
      const { address, port, callback } = readConnect(args)
      return { asked: permissionFor(address, port), callback }
    },
  })
  use('send', {
    overlay: (datagrams, args) => datagrams.send(readSend(args, datagrams.remote !== undefined)),
    clear: (args, socket) => {
      const { address, port, callback } = readSend(args, isConnected(socket))
      // Permission for its connected address was checked by `connect`.
      return { asked: port === undefined ? undefined : permissionFor(address, port), callback }
    },
  })
  replaceMethod(
    prototype,
    'disconnect',
    over((datagrams) => datagrams.disconnect()),
  )
  replaceMethod(
    prototype,
    'remoteAddress',
    over((datagrams) => datagrams.remoteAddress()),
  )
  replaceMethod(
    prototype,
    'address',
    over((datagrams) => datagrams.address()),
  )
  for (const [name, isHeld] of [['ref', true] as const, ['unref', false] as const])
    replaceMethod(prototype, name, (original, socket, args) => {
      if (socket instanceof dgram.Socket) hold(socket, isHeld)
      return Reflect.apply(original, socket, args)
    })
  replaceMethod(prototype, 'close', (original, socket, args) => {
    if (socket instanceof dgram.Socket) owners.get(socket)?.close()
    return Reflect.apply(original, socket, args)
  })
}

function hold(socket: dgram.Socket, isHeld: boolean): void {
  if (isHeld) released.delete(socket)
  else released.add(socket)
  owners.get(socket)?.hold(isHeld)
}

function permissionFor(address: string, port: number): Promise<void> | undefined {
  const real = refuseFakeAddress(address)
  return real === undefined
    ? checkPermission('socket.connect', address, port)
    : real.then(() => checkPermission('socket.connect', address, port))
}

interface Use {
  readonly overlay: (datagrams: OverlayDatagrams, args: readonly unknown[]) => void
  /**
   * The permission to check first, and the receiver of a refusal; without a callback it is emitted as the socket's
   * error.
   */
  readonly clear: (
    args: readonly unknown[],
    socket: dgram.Socket,
  ) => { readonly asked: Promise<void> | undefined; readonly callback: unknown }
}

function use(name: string, { overlay, clear }: Use): void {
  const what = `dgram.Socket.${name}`
  replaceMethod(dgram.Socket.prototype, name, (original, socket, args) => {
    if (!(socket instanceof dgram.Socket)) return Reflect.apply(original, socket, args)
    if (isSealed()) throw sealedRefusal(what)
    if (isOwnDatagrams(socket)) return Reflect.apply(original, socket, args)
    const network = threadOverlay()
    const owner = owners.has(socket) ? owners.get(socket) : own(socket, network)
    if (network === undefined) throw deniedError(what) ?? unbound(what)
    if (owner) {
      overlay(owner, args)
      return socket
    }
    return inTheClear(original, socket, args, clear)
  })
}

function inTheClear(original: Callable, socket: dgram.Socket, args: readonly unknown[], clear: Use['clear']): unknown {
  const { asked, callback } = clear(args, socket)
  // A socket that was not bound binds itself: that does not count as listening.
  const go = (): unknown => unasked(() => Reflect.apply(original, socket, args))
  if (asked === undefined) return go()
  const hasCallback = isCallable(callback)
  const tell = (error: unknown) => {
    if (!callLater(callback, error)) socket.emit('error', error)
  }
  asked.then(() => {
    try {
      go()
    } catch (error) {
      // A socket that was closed meanwhile sends nothing, and has no listener for the error.
      if (hasCallback || property(error, 'code') !== 'ERR_SOCKET_DGRAM_NOT_RUNNING') tell(error)
    }
  }, tell)
  return socket
}

function own(socket: dgram.Socket, network: EntryId | null | undefined): OverlayDatagrams | null | undefined {
  if (network === undefined) return undefined
  const owner = network === null ? null : new OverlayDatagrams(socket, network, !released.has(socket))
  owners.set(socket, owner)
  return owner
}

function over(
  answer: (datagrams: OverlayDatagrams) => unknown,
): (original: Callable, socket: unknown, args: readonly unknown[]) => unknown {
  return (original, socket, args) => {
    const owner = socket instanceof dgram.Socket ? owners.get(socket) : undefined
    return owner ? answer(owner) : Reflect.apply(original, socket, args)
  }
}

function isConnected(socket: dgram.Socket): boolean {
  try {
    return socket.remoteAddress().port > 0
  } catch {
    return false
  }
}
