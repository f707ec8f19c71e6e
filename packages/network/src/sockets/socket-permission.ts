/**
 * Permission checks for plain sockets in the clear network, where policies apply to the running code: `socket.connect`,
 * `socket.listen`, `socket.resolve`, `socket.private_ip`. The kernel decides, so the socket waits for its reply.
 */
import { realPath } from '@troupe/core'
import { applicationAccess } from '../dial/network-access.ts'
import { isPrivateAddress } from '../dial/private-addresses.ts'
import { isSealed } from '../sealed/sealed.ts'
import { threadOverlay } from '../overlay/thread-network.ts'

let asking = true

/**
 * Runs `fn` without checks for the sockets that it opens synchronously: the caller has checked their permission under
 * another action.
 */
export function unasked<T>(fn: () => T): T {
  const before = asking
  asking = false
  try {
    return fn()
  } finally {
    asking = before
  }
}

/** Whether opening a socket now requires a check. */
export function isAsking(): boolean {
  return asking
}

/** Whether policies may apply to code in this thread: until they do, no check is made. */
export function hasPolicies(): boolean {
  const access = applicationAccess()
  return access?.permit !== undefined && access.governs?.() !== false
}

/** Whether sockets of this thread are Node's own: it is in the clear network, and no policy applies in it. */
export function isOrdinary(): boolean {
  return threadOverlay() === null && !isSealed() && !hasPolicies()
}

/**
 * Checks whether the running code may do `action`; `undefined` where no check is needed. Rejects with the reason of the
 * denial.
 *
 * @param resource - An address or a name.
 */
export function checkPermission(action: string, resource: string, port?: number): Promise<void> | undefined {
  const asked = asking ? applicationAccess()?.permit?.(action, resource, port) : undefined
  return asked?.catch((error: unknown) => {
    // The error that the operating system would report.
    throw Object.assign(Object(error), { code: 'EACCES' })
  })
}

/**
 * Returns a path in the form in which policies check it and it is then used: no host name looks like it. Abstract
 * sockets are not in the file system.
 */
export function pathAsked(path: string): string {
  return path.startsWith('\0') || path.startsWith('\\') ? path : realPath(path)
}

/** Checks permission to connect to `address`, which `host` resolved to. */
export function checkConnect(host: string, address: string, port?: number): Promise<void> | undefined {
  const connect = checkPermission('socket.connect', host, port)
  if (connect === undefined || !isPrivateAddress(address)) return connect
  const local = checkPermission('socket.private_ip', address, port)
  return local === undefined ? connect : Promise.all([connect, local]).then(() => undefined)
}
