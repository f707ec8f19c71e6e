/**
 * Patterns of hosts, addresses and paths of sockets in policies. A `*` of a policy that allows never matches more than
 * its author could have meant: `api.example.org*` does not cover `api.example.org.evil.test`, and `10.*` does not cover
 * the name `10.evil.test`.
 */
import { asciiHost } from '@troupe/core'
import { BlockList, isIP, isIPv4 } from 'node:net'
import { Glob } from '../condition/glob.ts'
import { isPath } from './resource-form.ts'
import { PathPattern } from './path-pattern.ts'

export interface TextPattern {
  match(text: string): boolean
}

/**
 * Compiles a pattern. A `*` in place of a host stands for any host, as its first label for one or more labels
 * (`*.example.com`), elsewhere for a part of a label (`api-*.example.com`). In an address it stands for any run of
 * digits and separators (`10.*`, `fd00:*`), and covers only addresses.
 *
 * @param pattern - Contains a `*`, and is not just `*`.
 */
export function hostPattern(pattern: string): TextPattern {
  if (isPath(pattern)) return new PathPattern(pattern)
  const text = pattern.toLowerCase()
  const family = /^[\d.*]+$/.test(text) ? 4 : text.includes(':') ? 6 : 0
  if (family !== 0) {
    const glob = new Glob(text)
    return { match: (host) => isIP(host) === family && glob.match(host) }
  }
  return namePattern(text)
}

/**
 * Compiles a network, such as `10.0.0.0/8` or `fd00::/8`; `undefined` for any other pattern. It covers only addresses.
 */
export function networkPattern(pattern: string): TextPattern | undefined {
  const [, address = '', prefix] = /^([\d.]+|[\da-f:.]+)\/(\d{1,3})$/i.exec(pattern) ?? []
  const family = isIP(address)
  if (family === 0 || Number(prefix) > (family === 4 ? 32 : 128)) return undefined
  const network = new BlockList()
  network.addSubnet(address, Number(prefix), family === 4 ? 'ipv4' : 'ipv6')
  // A host in canonical form has the family that it belongs to.
  return { match: (host) => isIP(host) === family && network.check(host, isIPv4(host) ? 'ipv4' : 'ipv6') }
}

function namePattern(text: string): TextPattern {
  const wildcard = text.startsWith('*.')
  const labels = (wildcard ? text.slice(2) : text)
    .replace(/\.+$/, '')
    .split('.')
    .map((label) => new Glob(ascii(label)))
  return {
    match: (host) => {
      if (isIP(host) !== 0) return false
      const found = host.split('.')
      const before = found.length - labels.length
      return (
        (wildcard ? before > 0 : before === 0) && labels.every((label, at) => label.match(found[before + at] ?? ''))
      )
    },
  }
}

function ascii(label: string): string {
  return label.includes('*') ? label : asciiHost(label) || label
}
