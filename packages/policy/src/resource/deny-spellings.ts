/**
 * Further spellings of hosts and URLs, for policies that deny: they are compared with what their author may have
 * written, and with what a server may make of a path. They rather deny too much than too little.
 */
import { isIPv6 } from 'node:net'
import { domainToUnicode } from 'node:url'
import { canonicalEncoding, defaultPorts, type UrlParts } from './url-parts.ts'

/** Returns a text pattern as it is compared with the spellings: case, Unicode form and needless encoding are gone. */
export function loosePattern(pattern: string): string {
  return pattern.split('*').map(canonicalEncoding).join('*').normalize('NFC').toLowerCase()
}

/** Returns a host pattern without a port: a decision about a host is for all of its ports. */
export function withoutPort(pattern: string): string {
  return pattern.replace(/^([^:]+|\[[^\]]*\]):(?:\d{1,5}|\*)$/, '$1')
}

/** The spellings of a host in canonical form: that form, the one in Unicode, and all groups of an IPv6 address. */
export function hostSpellings(host: string): readonly string[] {
  if (isIPv6(host)) return [host, groupsOf(host)]
  return host.includes('xn--') ? [host, domainToUnicode(host).normalize('NFC')] : [host]
}

function groupsOf(address: string): string {
  const [head = '', tail] = address.split('::')
  if (tail === undefined) return address
  const [left, right] = [head, tail].map((part) => (part === '' ? [] : part.split(':')))
  const zeros = Array.from({ length: 8 - (left?.length ?? 0) - (right?.length ?? 0) }, () => '0')
  return [...(left ?? []), ...zeros, ...(right ?? [])].join(':')
}

/** The spellings of a URL: servers may decode slashes, and join several, before or after they resolve dots. */
export function urlSpellings(url: UrlParts): readonly UrlParts[] {
  const decoded = url.path.replaceAll(/%(?:2F|5C)/g, '/')
  const paths = new Set([url.path, joined(resolved(decoded)), resolved(joined(decoded))])
  return Array.from(paths, (path) => ({ ...url, path }))
}

/** The texts of a URL: as it is sent, and as people write it. */
export function urlTexts({ scheme, host, port, path }: UrlParts): readonly string[] {
  const at = port === defaultPorts.get(scheme) ? '' : `:${port}`
  const unicode = `${scheme}://${domainToUnicode(host) || host}${at}${readable(path)}`.normalize('NFC')
  return [...new Set([`${scheme}://${host}${at}${path}`, unicode].map((text) => text.toLowerCase()))]
}

function resolved(path: string): string {
  return canonicalEncoding(new URL(`http://host${path}`).pathname)
}

function joined(path: string): string {
  return path.replaceAll(/\/{2,}/g, '/')
}

function readable(path: string): string {
  try {
    return decodeURI(path)
  } catch {
    return path
  }
}
