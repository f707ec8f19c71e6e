/** Texts for the reply codes of the protocol. */

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

/** Returns the text of a reply code. */
export function replyCodes(code: number): string {
  return words[code] ?? 'a code that RFC 1928 does not assign'
}
