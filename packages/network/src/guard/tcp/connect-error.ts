/** Failures in the terms of the system's calls, which libraries look for: `code`, `syscall`, `address`, `port`. */
import { asTroupeError, type TroupeError } from '@troupe/core'
import { applicationAccess } from '../../dial/network-access.ts'
import type { Target } from '../../overlay/overlay.ts'

/** Replies of a proxy (RFC 1928 §6) for which the operating system has an error code. */
const replies: Readonly<Record<number, string>> = {
  2: 'EACCES',
  3: 'ENETUNREACH',
  4: 'EHOSTUNREACH',
  5: 'ECONNREFUSED',
  6: 'ETIMEDOUT',
}

/** Returns `thrown` as the `error` event of a socket that was to connect to `target`. */
export function asConnectError(thrown: unknown, { host, port }: Target): TroupeError & { readonly code: string } {
  const error = advised(asTroupeError(thrown))
  const { syscall } = error.details
  // A name that the kernel could not resolve for a sealed thread.
  if (syscall === 'getaddrinfo') return Object.assign(error, { code: codeOf(error), syscall, hostname: host })
  // A local address or port that the kernel could not bind.
  if (syscall === 'bind') {
    const { address, port: own } = error.details
    return Object.assign(error, { code: codeOf(error), syscall, address, ...(own !== undefined && { port: own }) })
  }
  return Object.assign(error, { code: codeOf(error), syscall: 'connect', address: host, port })
}

/**
 * Returns `thrown` as the `error` event of a socket whose first bytes were sent before the connection stood. Without a
 * reply code the target may have got them, so this is no failed `connect`, after which libraries send again.
 */
export function asEarlyError(thrown: unknown, target: Target): TroupeError & { readonly code: string } {
  const error = asConnectError(thrown, target)
  if (error.details['replyCode'] !== undefined) return error
  return Object.assign(error, { code: 'ECONNRESET', syscall: 'write' })
}

/** Returns `thrown` as the `error` event of a server, or of a socket for datagrams. */
export function asSystemError(thrown: unknown, syscall: 'listen' | 'bind' | 'connect' | 'send'): TroupeError {
  const error = asTroupeError(thrown)
  if ('code' in error) return error
  return Object.assign(error, { code: error.kind === 'AlreadyExists' ? 'EADDRINUSE' : codeOf(error), syscall })
}

/** Several connections may fail with the same error object. */
function advised(error: TroupeError): TroupeError {
  const advice = applicationAccess()?.advice
  if (advice === undefined || error.message.endsWith(advice)) return error
  const { message, stack } = error
  error.message = `${message}${/[.?!]$/.test(message) ? '' : '.'} ${advice}`
  if (stack !== undefined) error.stack = stack.replace(message, () => error.message)
  return error
}

function codeOf({ kind, details }: TroupeError): string {
  if (kind === 'Timeout') return 'ETIMEDOUT'
  if (kind === 'Canceled') return 'ECONNABORTED'
  // Of a plain socket, whose connection was requested from the kernel.
  if (kind === 'PermissionDenied' && String(details['action']).startsWith('socket.')) return 'EACCES'
  if (kind === 'PermissionDenied' || kind === 'NotFound' || kind === 'Invalid') return 'EOVERLAY'
  const { replyCode, code } = details
  if (typeof replyCode === 'number') return replies[replyCode] ?? 'ECONNRESET'
  if (typeof replyCode === 'string') return replyCode
  return typeof code === 'string' && code.startsWith('E') ? code : 'ECONNRESET'
}
