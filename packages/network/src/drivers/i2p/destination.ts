/**
 * The target of a connection, in the form that the router accepts: a `.b32.i2p` address, a name of its address book, or
 * a whole destination in I2P's base64. I2P has no other form, and nothing is resolved here.
 */
import { asciiHost, invalid } from '@troupe/core'
import type { Target } from '../../overlay/overlay.ts'

/** Keys for encryption (256 bytes) and signing (128), then a certificate of 3 bytes and its content. */
const certificateAt = 384
const certificateHead = 3
const base64 = /^[A-Za-z0-9~-]+={0,2}$/
/** A hash of 32 bytes; longer ones, with flags, are addresses of encrypted lease sets. */
const b32 = /^(?:[a-z2-7]{52}|[a-z2-7]{56,})\.b32\.i2p$/
const name = /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+i2p$/
/** Longest name of an address book. */
const maxName = 67
/** More than any destination with its keys needs. */
const maxBase64 = 4096
/** How many characters of an invalid host an error shows. */
const shown = 80

/**
 * Checks `target` and returns its form for SAM. Most routers ignore ports, so the port is not sent.
 *
 * @throws TroupeError `Invalid` for a target that cannot exist in I2P: an IP address, a name outside `.i2p`, a
 *   truncated destination.
 */
export function destinationOf({ host, port }: Target): string {
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw invalid(`port ${port} is out of range: expected 1 to 65535`, { host: host.slice(0, shown), port })
  return hostOf(host)
}

/** Returns the host alone, in the form of {@link destinationOf}. */
export function hostOf(host: string): string {
  const whole = padded(host)
  if (isDestination(whole)) return whole
  const lower = ascii(host).toLowerCase()
  if (lower.endsWith('.b32.i2p')) {
    if (b32.test(lower)) return lower
    throw invalid(`"${lower.slice(0, shown)}" is no address of I2P: one has 52 letters and digits before .b32.i2p`, {
      host: lower.slice(0, shown),
    })
  }
  if (name.test(lower) && lower.length <= maxName) return lower
  throw invalid(
    `"${host.slice(0, shown)}" is not in I2P: expected a name that ends in .i2p, or a whole destination in base64`,
    {
      host: host.slice(0, shown),
    },
  )
}

/** Whether `text` is a complete destination in base64, with nothing after it. */
export function isDestination(text: string): boolean {
  if (text.length > maxBase64 || !base64.test(text)) return false
  const bytes = decode(text)
  return bytes.length > certificateAt && bytes.length === lengthIn(bytes) && text === encode(bytes)
}

/** Returns the destination at the start of a SAM private key; `undefined` when there is none. */
export function destinationIn(key: string): string | undefined {
  if (key.length > maxBase64 || !base64.test(key)) return undefined
  const bytes = decode(key)
  const length = lengthIn(bytes)
  // The private keys follow the destination.
  return bytes.length > length ? encode(bytes.subarray(0, length)) : undefined
}

function lengthIn(bytes: Buffer): number {
  if (bytes.length < certificateAt + certificateHead) return Number.POSITIVE_INFINITY
  return certificateAt + certificateHead + bytes.readUInt16BE(certificateAt + 1)
}

/** Adds the padding that some programs omit: routers refuse a destination without it. */
export function padded(text: string): string {
  return base64.test(text) && !text.endsWith('=') ? text + '='.repeat((4 - (text.length % 4)) % 4) : text
}

/** I2P's base64 has `-` and `~` in place of `+` and `/`. */
function decode(text: string): Buffer {
  return Buffer.from(text.replaceAll('-', '+').replaceAll('~', '/'), 'base64')
}

function encode(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '~')
}

function ascii(host: string): string {
  return Buffer.byteLength(host) === host.length ? host : asciiHost(host)
}

/** Returns the `.b32.i2p` address of a destination. */
export async function addressName(destination: string): Promise<string> {
  // Imported here and not above, because threads that only dial do not need it.
  const { toB32 } = await import('@diva.exchange/i2p-sam')
  return `${toB32(destination)}.b32.i2p`
}

/** Shortened for errors, because a whole destination is long. */
export function formatTarget({ host, port }: Target): string {
  return `${host.length > shown ? `${host.slice(0, 16)}…` : host}:${port}`
}
