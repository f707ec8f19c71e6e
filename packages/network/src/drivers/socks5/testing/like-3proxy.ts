/**
 * For tests: a proxy with the habits of 3proxy 0.9, which Debian does not package, as its documentation, its reports
 * and its source describe them. It reads byte by byte, accepts each login, and checks it only with the request.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { methods } from '../messages.ts'
import { type Read, readRequest, type Script } from './scripted-proxy.ts'

/** Hosts with a meaning to the proxy. */
export const hosts = { denied: 'denied.test', unknown: 'unknown.test', refused: 'refused.test' } as const

export interface Habits {
  /** `auth strong`: clients must log in so. */
  readonly login?: { readonly username: string; readonly password: string }
  /** Option `-4`: addresses of IPv6 are refused. */
  readonly ipv4Only?: boolean
  /** Port of the server at 127.0.0.1 that all other hosts lead to. */
  readonly server?: number
  /** Port of the relay for datagrams. */
  readonly relay?: number
  /** Receives the control connection of an association. */
  readonly onAssociation?: (control: Socket) => void
}

/** Internal results: up to 10 for access, below 20 for the connection, from 100 on their last digit counts. */
const results = {
  success: 0,
  denied: 5,
  noLogin: 4,
  refused: 13,
  unknownName: 100,
  command: 407,
  address: 997,
} as const

function replyCode(result: number): number {
  if (result === 0) return 0
  if (result <= 10) return 2
  if (result < 20) return 5
  return result < 100 ? 4 : result % 10
}

export function like3proxy(habits: Habits): Script {
  return async (socket, read) => {
    const { login } = habits
    const offered = await bytes(read, (await bytes(read, 2)).readUInt8(1))
    const asksLogin = login !== undefined && offered.includes(methods.password)
    if (login !== undefined && !asksLogin) {
      socket.write(Buffer.from([5, 255]))
      // It replies to the request that it did not read, too.
      end(socket, results.noLogin)
      return
    }
    socket.write(Buffer.from([5, asksLogin ? methods.password : methods.none]))
    const given = asksLogin ? await readLogin(socket, read) : undefined
    const command = await peekCommand(read)
    const { addressType, address, port } = await readRequest(prefixed(command, read))
    const result = judge({ habits, given, command: command.readUInt8(1), addressType, host: String(address) })
    if (result !== results.success) end(socket, result)
    else if (command.readUInt8(1) === 3) grantRelay(socket, habits)
    else await join(socket, habits.server ?? port)
  }
}

interface Question {
  readonly habits: Habits
  readonly given: { readonly username: string; readonly password: string } | undefined
  readonly command: number
  readonly addressType: number
  readonly host: string
}

function judge({ habits, given, command, addressType, host }: Question): number {
  const { login, ipv4Only } = habits
  if (command > 3) return results.command
  if (addressType === 4 && ipv4Only === true) return results.address
  // The name is resolved before the login is checked.
  if (host === hosts.unknown) return results.unknownName
  if (login && (given?.username !== login.username || given.password !== login.password)) return results.denied
  if (host === hosts.denied) return results.denied
  return host === hosts.refused ? results.refused : results.success
}

/** Replies, with the address at which the client is connected, and closes. */
function end(socket: Socket, result: number): void {
  socket.end(reply(replyCode(result), socket.localPort ?? 0))
}

function grantRelay(control: Socket, { relay = 0, onAssociation }: Habits): void {
  control.write(reply(0, relay))
  onAssociation?.(control)
}

/** Passes data until one side ends; then it closes both, after what it has received. */
async function join(socket: Socket, port: number): Promise<void> {
  const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  far.on('error', () => socket.destroy())
  await once(far, 'connect')
  // The address that it connects from. The target's first data comes in a write of its own.
  socket.write(reply(0, far.localPort ?? 0))
  socket.on('data', (chunk) => far.write(chunk)).on('end', () => void (far.end(), socket.destroy()))
  far.on('data', (chunk) => socket.write(chunk)).on('end', () => socket.end())
  socket.on('close', () => far.destroy())
}

function reply(code: number, port: number): Buffer {
  return Buffer.from([5, code, 0, 1, 127, 0, 0, 1, port >> 8, port & 0xff])
}

async function readLogin(socket: Socket, read: Read) {
  const username = String(await bytes(read, (await bytes(read, 2)).readUInt8(1)))
  const password = String(await bytes(read, (await bytes(read, 1)).readUInt8(0)))
  socket.write(Buffer.from([1, 0]))
  return { username, password }
}

async function bytes(read: Read, count: number): Promise<Buffer> {
  const all: Buffer[] = []
  for (let at = 0; at < count; at += 1) all.push(await read(1))
  return Buffer.concat(all)
}

async function peekCommand(read: Read): Promise<Buffer> {
  return bytes(read, 4)
}

/** Returns `head` first. */
function prefixed(head: Buffer, read: Read): Read {
  let rest: Buffer | undefined = head
  return async (count) => {
    const first = rest
    rest = undefined
    return first ?? bytes(read, count)
  }
}
