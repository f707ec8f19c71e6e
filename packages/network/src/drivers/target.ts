/**
 * The target of a connection, in the form that an overlay gets: an IP address, or a host name in ASCII. Nothing is
 * resolved here, whatever the name.
 */
import { asciiHost, hasForbidden, invalid } from '@troupe/core'
import { isIP } from 'node:net'
import type { Target } from '../overlay/overlay.ts'

/** RFC 1928 stores the length of a name in one byte; DNS has no longer names. */
const maxNameBytes = 255

/**
 * Checks `target` and converts a Unicode name to A-labels (UTS #46).
 *
 * @throws TroupeError `Invalid` for an empty, overlong or impossible name, an IPv6 zone, and a port outside 1..65535.
 */
export function destinationOf({ host, port }: Target): Target {
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw invalid(`port ${port} is out of range: expected 1 to 65535`, { host, port })
  return { host: hostOf(host), port }
}

/** Returns the host alone, in the form of {@link destinationOf}. */
export function hostOf(host: string): string {
  if (isIP(host) === 0) return asciiName(host)
  if (host.includes('%'))
    throw invalid(`"${host}" has a zone, which means nothing beyond this machine: leave it out`, { host })
  return host
}

function asciiName(name: string): string {
  if (name === '') throw invalid('the host name is empty')
  if (hasForbidden(name))
    throw invalid(`"${name.slice(0, maxNameBytes)}" is not a host name: it holds characters that no name has`, {
      host: name,
    })
  const ascii = isAscii(name) ? name : asciiHost(name)
  if (ascii === '') throw invalid(`"${name}" is not a host name: it has no form in ASCII (IDNA)`, { host: name })
  if (ascii.length > maxNameBytes) {
    throw invalid(
      `the host name "${ascii.slice(0, 32)}…" has ${ascii.length} bytes: a name has up to ${maxNameBytes}`,
      { host: name },
    )
  }
  return ascii
}

function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length
}

/** `host:port`, with brackets around an IPv6 address. */
export function formatTarget({ host, port }: Target): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`
}
