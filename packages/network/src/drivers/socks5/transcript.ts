/**
 * What a proxy has answered so far (RFC 1928, RFC 1929), read from its bytes. The `socks` package tells a failure in
 * words alone and takes an address type that does not exist for success; the proxy's own code is in the bytes.
 */

/** Where a handshake is. */
export type Stage = 'connect' | 'greeting' | 'login' | 'request'

export interface Transcript {
  readonly stage: Stage
  /** The method that the proxy chose; 255 is none of those offered. */
  readonly method?: number
  /** The answer to a login; 0 is success. */
  readonly loginStatus?: number
  /** The answer to the request; 0 is success. */
  readonly reply?: number
  readonly addressType?: number
}

const version = 5
const noMethod = 0
export const passwordMethod = 2
const loginBytes = 2
/** IPv4, name, IPv6. Tor sends 0 with some refusals. */
export const addressTypes: ReadonlySet<number | undefined> = new Set([1, 3, 4])

/** Reads the proxy's bytes from the first one of its greeting; `undefined` where that is not SOCKS5 at all. */
export function readTranscript(bytes: readonly number[]): Transcript | undefined {
  const [greeting, method] = bytes
  if (greeting !== undefined && greeting !== version) return undefined
  if (method === undefined) return { stage: 'greeting' }
  if (method === noMethod) return readReply(bytes.slice(2), { method })
  if (method !== passwordMethod) return { stage: 'greeting', method }
  const loginStatus = bytes[3]
  if (loginStatus === undefined) return { stage: 'login', method }
  if (loginStatus !== 0) return { stage: 'login', method, loginStatus }
  return readReply(bytes.slice(2 + loginBytes), { method, loginStatus })
}

function readReply([head, reply, , addressType]: readonly number[], before: Omit<Transcript, 'stage'>): Transcript {
  if (head !== version) return { stage: 'request', ...before }
  return {
    stage: 'request',
    ...before,
    ...(reply !== undefined && { reply }),
    ...(addressType !== undefined && { addressType }),
  }
}

/** RFC 1928 §6, and Tor's `ExtendedErrors` (proposal 304). */
const words: Readonly<Record<number, string>> = {
  1: 'general failure',
  2: "not allowed by the proxy's rules",
  3: 'network unreachable',
  4: 'host unreachable',
  5: 'connection refused',
  6: 'time to live expired',
  7: 'command not supported',
  8: 'address type not supported',
  240: 'onion service descriptor not found',
  241: 'onion service descriptor invalid',
  242: 'onion service introduction failed',
  243: 'onion service rendezvous failed',
  244: 'onion service asks for client authorisation',
  245: 'onion service refused the client authorisation',
  246: 'not a valid onion address',
  247: 'onion service introduction timed out',
}

/** A reply code in words. */
export function replyWords(code: number): string {
  return words[code] ?? 'a code that RFC 1928 does not assign'
}
