/** The connections of this thread through overlays, for those who look at a running application. */
import { count, counter, currentSlot, type EntryId } from '@troupe/core'
import type { Socket } from 'node:net'
import type { OverlayOf } from '../overlay/route.ts'
import { threadOverlay } from '../overlay/thread-network.ts'
import { property } from '../sockets/internals.ts'

/** A connection that is open now. */
export interface OpenConnection {
  /** Its number in this thread. */
  readonly number: number
  readonly overlay: EntryId
  /** `host:port` of the target, or of the peer of a connection that arrived. */
  readonly target: string
  readonly direction: 'out' | 'in'
  /** When it was opened, in milliseconds since 1970. */
  readonly since: number
  /** Pid of the process or call that opened it, or listens; empty when that is unknown. */
  readonly owner: string
  /** Id of the actor for which that process or call acted; empty for none. */
  readonly actor: string
  /** Bytes so far, including handshakes. */
  readonly bytesSent: number
  readonly bytesReceived: number
}

interface Opened extends Omit<OpenConnection, 'bytesSent' | 'bytesReceived'> {
  readonly application: number | undefined
}

const open = new Map<Socket, Opened>()
let last = 0

/** Notes a connection until {@link connectionClosed}. */
export function connectionOpened(
  socket: Socket,
  { overlay, application }: OverlayOf,
  direction: 'out' | 'in',
  target: string,
): void {
  const slot = currentSlot()
  const owner = property(slot?.owner, 'pid')
  open.set(socket, {
    number: (last += 1),
    overlay,
    application,
    target,
    direction,
    since: Date.now(),
    owner: typeof owner === 'string' ? owner : '',
    actor: slot?.frame.actor?.id ?? '',
  })
  if (direction === 'in' && overlay === threadOverlay()) count(counter.connectionsAccepted)
}

/** The connection of `from` continues in `to`. */
export function connectionContinues(from: Socket, to: Socket): void {
  const known = open.get(from)
  if (known === undefined) return
  open.delete(from)
  open.set(to, known)
}

/** Counts a connection that has closed. */
export function connectionClosed(socket: Socket): void {
  const known = open.get(socket)
  // The counters of a thread are those of its own network; a chain of proxies and the kernel dial through others too.
  if (!open.delete(socket) || known?.overlay !== threadOverlay()) return
  count(counter.connectionsClosed)
  count(counter.bytesSent, socket.bytesWritten)
  count(counter.bytesReceived, socket.bytesRead)
}

/**
 * The connections of this thread that are open, oldest first.
 *
 * @param application - Of one application. @default of all that run in this thread
 */
export function* openConnections(application?: number): Iterable<OpenConnection> {
  for (const [socket, { application: of, ...opened }] of open)
    if (isOf(of, application)) yield { ...opened, bytesSent: socket.bytesWritten, bytesReceived: socket.bytesRead }
}

function isOf(of: number | undefined, application: number | undefined): boolean {
  return of === undefined || application === undefined || of === application
}

/**
 * Closes a connection by its number, with that error. Returns whether it was open.
 *
 * @param application - Of one application. @default of all that run in this thread
 */
export function closeConnection(number: number, error: Error, application?: number): boolean {
  for (const [socket, opened] of open) {
    if (opened.number !== number || !isOf(opened.application, application)) continue
    socket.destroy(error)
    return true
  }
  return false
}
