/**
 * What plain sockets in the clear do is asked about where policies are in force for who acts: `socket.connect`, `socket.listen`,
 * `socket.resolve`, `socket.private_ip`. The kernel decides, so the socket waits for its answer.
 */
import { realPath } from '@troupe/core'
import { applicationAccess } from '../dial/network-access.ts'
import { isPrivateAddress } from '../dial/private-addresses.ts'
import { isSealed } from '../sealed/sealed.ts'
import { threadOverlay } from '../overlay/thread-network.ts'

let asking = true

/** Runs `fn`, in whose synchronous stretch sockets are opened that somebody was asked about already, by another name. */
export function unasked<T>(fn: () => T): T {
  const before = asking
  asking = false
  try {
    return fn()
  } finally {
    asking = before
  }
}

/** Whether what is opened now is asked about. */
export function isAsking(): boolean {
  return asking
}

/** Whether policies may be in force for anybody in this thread: as long as not, nobody is asked about anything. */
export function hasPolicies(): boolean {
  const access = applicationAccess()
  return access?.permit !== undefined && access.governs?.() !== false
}

/** Whether sockets of this thread are Node's own: it is in the clear, and nobody in it is asked about anything. */
export function isOrdinary(): boolean {
  return threadOverlay() === null && !isSealed() && !hasPolicies()
}

/**
 * Whether the code that runs may do `action`; nothing where it is not asked. Rejects with what forbids it.
 *
 * @param resource - An address or a name.
 */
export function checkPermission(action: string, resource: string, port?: number): Promise<void> | undefined {
  const asked = asking ? applicationAccess()?.permit?.(action, resource, port) : undefined
  return asked?.catch((error: unknown) => {
    // As the operating system would put it.
    throw Object.assign(Object(error), { code: 'EACCES' })
  })
}

/** A path as policies are asked about it, and as it is used then: no host is like it. Abstract sockets are not in the file system. */
export function pathAsked(path: string): string {
  return path.startsWith('\0') || path.startsWith('\\') ? path : realPath(path)
}

/** Permission to connect to `address`, which was reached for by the name `host`. */
export function checkConnect(host: string, address: string, port?: number): Promise<void> | undefined {
  const connect = checkPermission('socket.connect', host, port)
  if (connect === undefined || !isPrivateAddress(address)) return connect
  const local = checkPermission('socket.private_ip', address, port)
  return local === undefined ? connect : Promise.all([connect, local]).then(() => undefined)
}
