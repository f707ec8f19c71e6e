/** The address on which a service listens. */

export interface ListenAddress {
  /** Undefined for all addresses. */
  readonly host: string | undefined
  readonly port: number
}

/** Parses `:8080`, `127.0.0.1:8080` or `[::1]:8080`. */
export function parseAddress(text: string): ListenAddress {
  const colon = text.lastIndexOf(':')
  const host = text.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  return { host: host === '' ? undefined : host, port: Number(text.slice(colon + 1)) }
}
