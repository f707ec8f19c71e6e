/** The messages of a SOCKS5 client (RFC 1928, RFC 1929). */
import type { Target } from '../../overlay/overlay.ts'
import { encodeHost } from './address.ts'

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
