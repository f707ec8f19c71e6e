/** What a client says to a SOCKS5 proxy (RFC 1928, RFC 1929). */
import type { Target } from '../../overlay/overlay.ts'
import { encodeHost } from './address.ts'

const version = 5
const loginVersion = 1

/** Methods of authentication that are offered. */
export const methods = { none: 0, password: 2 } as const

/** BIND (2) is left out: nobody listens through a proxy that forgets the port after one connection. */
export const commands = {
  connect: 1,
  associate: 3,
  /** Tor's own (socks-extensions): an address for a name, and the other way round. */
  resolve: 0xf0,
  resolvePtr: 0xf1,
} as const

export type Command = (typeof commands)[keyof typeof commands]

export interface Login {
  readonly username: string
  readonly password: string
}

/** What is offered, and the message that says so. */
export interface Offer {
  readonly methods: readonly number[]
  readonly greeting: Buffer
}

/** With several methods offered, the proxy's choice has to be heard before anything more is said. */
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
