/** The arguments of `dgram.Socket` methods, in any of their forms. */
import { invalid } from '@troupe/core'
import { property } from '../../sockets/internals.ts'

export interface BindCall {
  /** 0 for any. */
  readonly port: number
  readonly address: string | undefined
  readonly callback: unknown
}

export function readBind(args: readonly unknown[]): BindCall {
  const [first, second] = args
  const [port, address] =
    typeof first === 'object' && first !== null
      ? [property(first, 'port'), property(first, 'address')]
      : [first, second]
  return {
    port: typeof port === 'function' ? 0 : portOf(port ?? 0),
    address: typeof address === 'string' && address !== '' ? address : undefined,
    callback: callbackOf(args),
  }
}

export interface ConnectDatagramsCall {
  readonly port: number
  readonly address: string
  readonly callback: unknown
}

export function readConnect(args: readonly unknown[]): ConnectDatagramsCall {
  const [port, address] = args
  return {
    port: portOf(port),
    address: typeof address === 'string' && address !== '' ? address : 'localhost',
    callback: callbackOf(args),
  }
}

export interface SendCall {
  readonly data: Buffer
  /** Absent if the socket is connected. */
  readonly port: number | undefined
  readonly address: string
  readonly callback: unknown
}

/** A message, whole or by offset and length; then, unless the socket is connected, port and address. */
export function readSend(args: readonly unknown[], connected: boolean): SendCall {
  const [message] = args
  const cut = typeof args[1] === 'number' && typeof args[2] === 'number' && (connected || args.length > 3)
  const whole = bytesOf(message)
  const data = cut ? whole.subarray(Number(args[1]), Number(args[1]) + Number(args[2])) : whole
  const [port, address] = args.slice(cut ? 3 : 1)
  return {
    data,
    port: connected ? undefined : portOf(port),
    address: typeof address === 'string' && address !== '' ? address : 'localhost',
    callback: callbackOf(args),
  }
}

function callbackOf(args: readonly unknown[]): unknown {
  const last = args.at(-1)
  return typeof last === 'function' ? last : undefined
}

function portOf(value: unknown): number {
  const port = Number(value)
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw Object.assign(invalid(`a port is a whole number of 0 to 65535, not ${String(value)}`), {
    code: 'ERR_SOCKET_BAD_PORT',
  })
}

function bytesOf(message: unknown): Buffer {
  if (typeof message === 'string') return Buffer.from(message)
  if (ArrayBuffer.isView(message)) return Buffer.from(message.buffer, message.byteOffset, message.byteLength)
  if (Array.isArray(message)) return Buffer.concat(message.map(bytesOf))
  throw Object.assign(new TypeError('a datagram is text, bytes, or a list of those'), { code: 'ERR_INVALID_ARG_TYPE' })
}
