/** The messages of a SOCKS5 client, and hosts in the format of SOCKS5 (RFC 1928, RFC 1929). */
import { isIP, SocketAddress } from 'node:net'
import type { Target } from '../../overlay/overlay.ts'

const version = 5
const loginVersion = 1

/** Methods of authentication that the client offers. */
export const methods = { none: 0, password: 2 } as const

/** BIND (2) is omitted: it does not suit a server, because a proxy closes the port after one connection. */
export const commands = {
  connect: 1,
  associate: 3,
  /** Tor's own commands (socks-extensions): the address of a name, and the name of an address. */
  resolve: 0xf0,
  resolvePtr: 0xf1,
} as const

export type Command = (typeof commands)[keyof typeof commands]

export interface Login {
  readonly username: string
  readonly password: string
}

/** The offered methods, and the message that offers them. */
export interface Offer {
  readonly methods: readonly number[]
  readonly greeting: Buffer
}

/** If several methods are offered, the client must read the proxy's choice before it sends more. */
export const offers = {
  none: offer(methods.none),
  login: offer(methods.password),
  either: offer(methods.none, methods.password),
} as const

/** Returns the offer for a login. One write implies the choice of the method, so it offers only one. */
export function offerOf(plan: {
  readonly login: Login | undefined
  readonly isolated: boolean
  readonly optimistic: boolean
}): Offer {
  if (plan.login === undefined && !plan.isolated) return offers.none
  return plan.isolated || plan.optimistic ? offers.login : offers.either
}

function offer(...offered: readonly number[]): Offer {
  return { methods: offered, greeting: Buffer.from([version, offered.length, ...offered]) }
}

export function loginOf({ username, password }: Login): Buffer {
  const usernameBytes = Buffer.byteLength(username)
  const passwordBytes = Buffer.byteLength(password)
  const message = Buffer.allocUnsafe(3 + usernameBytes + passwordBytes)
  message[0] = loginVersion
  message[1] = usernameBytes
  message.write(username, 2)
  message[2 + usernameBytes] = passwordBytes
  message.write(password, 3 + usernameBytes)
  return message
}

/** `target` is checked and in ASCII (`../target.ts`). */
export function requestOf(command: Command, { host, port }: Target): Buffer {
  const [type, bytes] = encodeHost(host)
  const message = Buffer.allocUnsafe(6 + bytes.length)
  message[0] = version
  message[1] = command
  message[2] = 0
  message[3] = type
  message.set(bytes, 4)
  message.writeUInt16BE(port, 4 + bytes.length)
  return message
}

/** An address type is followed by an IPv4 address, a name or an IPv6 address (RFC 1928 §5). */
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
