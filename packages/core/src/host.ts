/** One spelling for hosts: names, and IP addresses in every textual form that systems accept. */
import { isIPv4, isIPv6 } from 'node:net'
import { domainToASCII } from 'node:url'

/**
 * The forbidden domain code points of the WHATWG URL standard. `domainToASCII` would cut the name at some of them, and
 * drop others: what is decided would then not be what a resolver is asked.
 */
const forbidden = /[\p{Cc} #%/:<>?@[\\\]^|]/u

/** Returns whether a text holds characters that no host name has. */
export function hasForbidden(name: string): boolean {
  return forbidden.test(name)
}

/** Returns a name in IDNA's ASCII form; an empty text for one that has none. */
export function asciiHost(name: string): string {
  return hasForbidden(name) ? '' : domainToASCII(name)
}

/**
 * Returns the IP address that `host` spells, in its usual form; `undefined` for a name. For IPv4, this covers all forms
 * of `inet_aton` (hexadecimal, octal, fewer than four parts), which resolvers read as addresses without a query. An
 * IPv4 address mapped into IPv6 stays an IPv6 address.
 */
export function literalOf(host: string): string | undefined {
  if (isIPv4(host) || isIPv6(host)) return host
  const ascii = /^[\x20-\x7e]*$/.test(host) ? host : asciiHost(host)
  if (isIPv4(ascii)) return ascii
  if (!/^[\da-fx.]+$/i.test(ascii)) return undefined
  const parts = ascii.replace(/\.$/, '').split('.')
  return parts.length > 4 ? undefined : (packed(parts, numberOf) ?? packed(parts, decimalOf))
}

/**
 * Returns the IPv4 address that `host` spells, including one that is mapped into IPv6 (RFC 4291
 * 2.5.5.2).
 */
export function ipv4Of(host: string): string | undefined {
  const literal = literalOf(host)
  if (literal === undefined || isIPv4(literal)) return literal
  return embedded(shortIPv6(literal), /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/)
}

/**
 * Returns `host` in the canonical spelling that decisions use; `undefined` if it is neither an IP address nor a name.
 * An IP address has its short form, without a zone. An IPv4 address that is mapped into IPv6, or compatible with it
 * (RFC 4291
 * 2.5.5), becomes IPv4. A name is in lower case, in IDNA's ASCII form, without a dot at its end.
 *
 * @example
 * ```ts
 * canonicalHost('0x7f.1') // '127.0.0.1'
 * canonicalHost('[::FFFF:127.0.0.1]') // '127.0.0.1'
 * canonicalHost('BÜCHER.example.') // 'xn--bcher-kva.example'
 * ```
 */
export function canonicalHost(host: string): string | undefined {
  const literal = literalOf(host.replace(/^\[(.*)\]$/s, '$1'))
  if (literal !== undefined) return canonicalAddress(literal)
  const name = asciiHost(host.replace(/[.\u3002\uff0e\uff61]+$/, ''))
  if (!/^[\w-]+(?:\.[\w-]+)*$/.test(name)) return undefined
  return literalOf(name) ?? name
}

function canonicalAddress(address: string): string {
  if (isIPv4(address)) return address
  const short = shortIPv6(address)
  return embedded(short, /^::(?:ffff:)?([\da-f]{1,4}):([\da-f]{1,4})$/) ?? short
}

/** The form of RFC 5952, without a zone. */
function shortIPv6(address: string): string {
  const [plain = address] = address.split('%')
  return new URL(`http://[${plain}]`).hostname.slice(1, -1)
}

function embedded(address: string, pattern: RegExp): string | undefined {
  const [, high, low] = pattern.exec(address) ?? []
  if (high === undefined || low === undefined) return undefined
  return dotted(Number.parseInt(high, 16) * 2 ** 16 + Number.parseInt(low, 16))
}

/** The last part fills the remaining bytes. */
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

/** Some systems ignore leading zeros. */
function decimalOf(part: string): number | undefined {
  return /^\d+$/.test(part) ? Number(part) : undefined
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((bits) => Math.floor(address / 2 ** bits) % 256).join('.')
}
