/** The datagrams of one socket, carried by an overlay: the socket behaves like a plain one. */
import { asTroupeError, type EntryId, keepAlive, stopTimer, type Timer, TroupeError } from '@troupe/core'
import type { Socket } from 'node:dgram'
import { isIP, isIPv6 } from 'node:net'
import { applicationAccess, networkAccess } from '../../dial/network-access.ts'
import type { Association } from '../../overlay/association.ts'
import { associate } from '../../dial/dial.ts'
import type { Target } from '../../overlay/overlay.ts'
import type { BindCall, ConnectDatagramsCall, SendCall } from './arguments.ts'
import { property } from '../../sockets/internals.ts'
import { isFakeAddress } from '../dns/fake-addresses.ts'
import { deniedIn } from '../errors.ts'
import { asSystemError } from '../tcp/connect-error.ts'
import { sendBlockListOf, lookupOf } from './options.ts'
import { callLater, isCallable } from '../node/patch.ts'

const timeout = 30_000
const leaveOut = 'Names are resolved at its far end, out of the list’s sight: leave the list out, or send to addresses'
const everywhere: ReadonlySet<string | undefined> = new Set([undefined, '0.0.0.0', '::'])

export class OverlayDatagrams {
  readonly overlay: EntryId
  /** The remote address, if it is connected. */
  remote: Target | undefined
  readonly #socket: Socket
  readonly #closing = new AbortController()
  #port = 0
  /** Its own address in the overlay, once that is known, if the overlay has such addresses. */
  #own: Target | undefined
  #way: Promise<Association> | undefined
  /** A socket that is bound keeps its thread alive until `unref()` is called. */
  #alive: Timer | undefined
  #isHeld: boolean

  constructor(socket: Socket, overlay: EntryId, isHeld: boolean) {
    this.#socket = socket
    this.overlay = overlay
    this.#isHeld = isHeld
  }

  /** Whether it keeps its thread alive. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld
    if (isHeld) this.#alive?.ref()
    else this.#alive?.unref()
  }

  /** Opens the association, at that port of the overlay if it is not 0. */
  bind({ port, address, callback }: BindCall): void {
    if (this.#way !== undefined) throw stateError('ERR_SOCKET_ALREADY_BOUND', 'Socket is already bound')
    if (!everywhere.has(address))
      throw deniedIn(this.overlay, `dgram.Socket.bind to ${address}`, 'Leave the address out')
    if (isCallable(callback)) this.#socket.once('listening', () => void Reflect.apply(callback, this.#socket, []))
    this.#open(port).catch((error: unknown) => this.#fail(error, 'bind'))
  }

  connect({ port, address, callback }: ConnectDatagramsCall): void {
    if (this.remote !== undefined) throw stateError('ERR_SOCKET_DGRAM_IS_CONNECTED', 'Already connected')
    this.remote = { host: address, port }
    if (isCallable(callback)) this.#socket.once('connect', () => void Reflect.apply(callback, this.#socket, []))
    this.#ready().then(
      () => process.nextTick(() => this.#socket.emit('connect')),
      (error: unknown) => this.#fail(error, 'connect'),
    )
  }

  disconnect(): void {
    if (this.remote === undefined) throw stateError('ERR_SOCKET_DGRAM_NOT_CONNECTED', 'Not connected')
    this.remote = undefined
  }

  send({ data, port, address, callback }: SendCall): void {
    const target = port === undefined ? this.remote : { host: address, port }
    if (target === undefined) throw stateError('ERR_SOCKET_DGRAM_NOT_CONNECTED', 'Not connected')
    // The caller may overwrite its buffer before the association is open.
    const kept = Buffer.from(data)
    void this.#deliver(kept, target, callback)
  }

  address(): object {
    if (this.#own !== undefined) return { address: this.#own.host, family: this.#family, port: this.#own.port }
    return { address: this.#family === 'IPv6' ? '::' : '0.0.0.0', family: this.#family, port: this.#port }
  }

  remoteAddress(): object {
    if (this.remote === undefined) throw stateError('ERR_SOCKET_DGRAM_NOT_CONNECTED', 'Not connected')
    return { address: this.remote.host, family: this.#family, port: this.remote.port }
  }

  close(): void {
    stopTimer(this.#alive)
    this.#closing.abort()
    this.#way?.then((way) => way.close()).catch(() => undefined)
  }

  get #family(): 'IPv4' | 'IPv6' {
    return property(this.#socket, 'type') === 'udp6' ? 'IPv6' : 'IPv4'
  }

  async #deliver(data: Buffer, target: Target, callback: unknown): Promise<void> {
    try {
      const found = { ...target, host: await this.#permitted(target.host) }
      const way = await this.#ready()
      await way.send(data, found)
      callLater(callback, null, data.length)
    } catch (error) {
      this.#fail(error, 'send', callback)
    }
  }

  /** Resolves and filters a host according to the socket's own options `lookup` and `sendBlockList`. */
  async #permitted(host: string): Promise<string> {
    const lookup = lookupOf(this.#socket)
    const address = isIP(host) === 0 && lookup !== undefined ? await lookup(host) : host
    const list = sendBlockListOf(this.#socket)
    if (list === undefined) return address
    if (isIP(address) === 0 || isFakeAddress(address))
      throw deniedIn(this.overlay, 'dgram.Socket.send to a name, with a sendBlockList', leaveOut)
    if (list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4'))
      throw stateError('ERR_IP_BLOCKED', `IP(${address}) is blocked by net.BlockList`)
    return address
  }

  /** A socket that was not bound binds itself, as in Node. */
  #ready(): Promise<Association> {
    return this.#way ?? this.#open(0)
  }

  #open(port: number): Promise<Association> {
    this.#alive = keepAlive()
    this.hold(this.#isHeld)
    this.#way = this.#associate(port)
    this.#way.catch(() => stopTimer(this.#alive))
    return this.#way
  }

  async #associate(port: number): Promise<Association> {
    // A socket that receives datagrams from any sender is a server.
    if (port !== 0) await applicationAccess()?.permit?.('network.bind', this.overlay, port)
    const way = await this.#begin(port)
    this.#port = port
    this.#own = way.address
    way.on('message', (data, { host, port: from }) => {
      const family = isIPv6(host) ? 'IPv6' : 'IPv4'
      this.#socket.emit('message', data, { address: host, family, port: from, size: data.length })
    })
    way.once('close', (error) => {
      stopTimer(this.#alive)
      if (error !== undefined && !this.#closing.signal.aborted) this.#socket.emit('error', asSystemError(error, 'send'))
    })
    process.nextTick(() => this.#socket.emit('listening'))
    return way
  }

  /** An overlay that carries no datagrams refuses by name, like every other denied API. */
  async #begin(port: number): Promise<Association> {
    try {
      const route = await networkAccess().route(this.overlay)
      return await associate(route, { signal: this.#closing.signal, timeout, ...(port !== 0 && { port }) })
    } catch (thrown) {
      const error = asTroupeError(thrown)
      throw error.kind === 'Invalid' ? Object.assign(deniedIn(this.overlay, 'dgram.Socket'), { cause: error }) : error
    }
  }

  #fail(thrown: unknown, syscall: 'bind' | 'connect' | 'send', callback?: unknown): void {
    if (thrown instanceof TroupeError && thrown.kind === 'Canceled') return
    const error = thrown instanceof TroupeError ? asSystemError(thrown, syscall) : thrown
    if (!callLater(callback, error)) process.nextTick(() => this.#socket.emit('error', error))
  }
}

function stateError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
