/** Hosts in the format of SOCKS5: an address type, then an IPv4 address, a name or an IPv6 address (RFC 1928 §5). */
import { isIP, SocketAddress } from 'node:net'

const types = { ipv4: 1, name: 3, ipv6: 4 } as const

/** Returns the address type, and `host` in that format. */
export function encodeHost(host: string): readonly [type: number, bytes: Buffer] {
  const version = isIP(host)
  if (version === 4) return [types.ipv4, Buffer.from(host.split('.').map(Number))]
  if (version === 6) return [types.ipv6, ipv6Bytes(host)]
  const name = Buffer.from(host)
  return [types.name, Buffer.from([name.length, ...name])]
}

/**
 * Returns the length in bytes of a host of that type, including the length byte before a name; `undefined` for an
 * unknown type.
 */
export function hostLength(type: number, first: number): number | undefined {
  if (type === types.ipv4) return 4
  if (type === types.ipv6) return 16
  return type === types.name ? 1 + first : undefined
}

/** Returns the host that {@link hostLength} bytes encode. */
export function decodeHost(type: number, bytes: Buffer): string {
  if (type === types.ipv4) return bytes.join('.')
  if (type === types.name) return bytes.toString('latin1', 1)
  const groups = Array.from({ length: 8 }, (_, group) => bytes.readUInt16BE(group * 2).toString(16))
  return new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address
}

/** RFC 4291 §2.2: eight groups, with zeros omitted at `::`, and possibly an IPv4 address at the end. */
function ipv6Bytes(text: string): Buffer {
  const [head = '', tail] = text.split('::')
  const before = groupsOf(head)
  const after = groupsOf(tail ?? '')
  const bytes = Buffer.alloc(16)
  for (const [index, group] of before.entries()) bytes.writeUInt16BE(group, index * 2)
  for (const [index, group] of after.entries()) bytes.writeUInt16BE(group, 16 - (after.length - index) * 2)
  return bytes
}

function groupsOf(text: string): readonly number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
    return [a * 256 + b, c * 256 + d]
  })
}
