/** IP addresses in every textual form that systems read as one. */
import { isIPv4, isIPv6 } from 'node:net'
import { domainToASCII } from 'node:url'

/**
 * The IP address that `host` spells, in its usual form; `undefined` for a name. Of IPv4 these are all forms of `inet_aton` (hexadecimal,
 * octal, fewer than four parts), which resolvers read as addresses without a query; an IPv4 address mapped into IPv6 stays one of IPv6.
 */
export function literalOf(host: string): string | undefined {
  if (isIPv4(host) || isIPv6(host)) return host
  const ascii = /^[\x20-\x7e]*$/.test(host) ? host : domainToASCII(host)
  if (isIPv4(ascii)) return ascii
  if (!/^[\da-fx.]+$/i.test(ascii)) return undefined
  const parts = ascii.replace(/\.$/, '').split('.')
  return parts.length > 4 ? undefined : (packed(parts, numberOf) ?? packed(parts, decimalOf))
}

/** The IPv4 address that `host` spells, one that is mapped into IPv6 included (RFC 4291 §2.5.5.2). */
export function ipv4Of(host: string): string | undefined {
  const literal = literalOf(host)
  if (literal === undefined || isIPv4(literal)) return literal
  const [plain = literal] = literal.split('%')
  const { hostname } = new URL(`http://[${plain}]`)
  const [, high, low] = /^\[::ffff:([\da-f]{1,4}):([\da-f]{1,4})\]$/.exec(hostname) ?? []
  if (high === undefined || low === undefined) return undefined
  return dotted(Number.parseInt(high, 16) * 2 ** 16 + Number.parseInt(low, 16))
}

/** The last part fills what the others leave. */
function packed(parts: readonly string[], read: (part: string) => number | undefined): string | undefined {
  const numbers: number[] = []
  for (const part of parts) {
    const number = read(part)
    if (number === undefined) return undefined
    numbers.push(number)
  }
  const last = numbers.pop() ?? Number.NaN
  if (numbers.some((number) => number > 255) || !(last < 256 ** (4 - numbers.length))) return undefined
  return dotted(numbers.reduce((sum, number, at) => sum + number * 256 ** (3 - at), last))
}

function numberOf(part: string): number | undefined {
  if (/^0x[\da-f]*$/i.test(part)) return part.length === 2 ? 0 : Number(part)
  if (/^0[0-7]*$/.test(part)) return Number.parseInt(part, 8)
  return /^[1-9]\d*$/.test(part) ? Number(part) : undefined
}

/** Some read leading zeros as nothing. */
function decimalOf(part: string): number | undefined {
  return /^\d+$/.test(part) ? Number(part) : undefined
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((bits) => Math.floor(address / 2 ** bits) % 256).join('.')
}
