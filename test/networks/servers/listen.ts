/**
 * Shared by the small servers of the tests: they listen on loopback, cut messages out of streams, and record all tokens
 * that they read.
 */
import { once } from 'node:events'
import net from 'node:net'
import type { Ledger } from '../ledger.ts'

export interface Setting {
  readonly ledger: Ledger
  readonly stack: AsyncDisposableStack
}

export const host = '127.0.0.1'

/** Listens until `stack` is disposed. @returns its port */
export async function listen(server: net.Server, stack: AsyncDisposableStack): Promise<number> {
  const sockets = new Set<net.Socket>()
  server.on('connection', (socket: net.Socket) => {
    sockets.add(socket.on('error', () => {}))
    socket.once('close', () => sockets.delete(socket))
  })
  stack.defer(async () => {
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  })
  await once(server.listen(0, host), 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new TypeError('the server listens on no port')
  return address.port
}

/** A server protocol over TCP. */
export interface Protocol {
  /** What the server sends first. */
  readonly greeting?: string | Uint8Array
  /** Length of the message at the start of `data`; `undefined` while it is incomplete. */
  readonly length: (data: Buffer, state: Map<string, string>) => number | undefined
  /** The reply to it. */
  readonly answer: (message: Buffer, state: Map<string, string>) => string | Uint8Array | undefined
}

/** A server of `protocol`: every token in what it reads counts as arrived. */
export async function serve({ ledger, stack }: Setting, { greeting, length, answer }: Protocol): Promise<number> {
  const server = net.createServer((socket) => {
    const state = new Map<string, string>()
    let data: Buffer = Buffer.alloc(0)
    if (greeting !== undefined) socket.write(greeting)
    socket.on('data', (chunk: Buffer) => {
      data = Buffer.concat([data, chunk])
      for (;;) {
        const size = length(data, state)
        if (size === undefined || size > data.length) return
        const message = data.subarray(0, size)
        data = data.subarray(size)
        ledger.read(message, socket.remoteAddress)
        const answered = answer(message, state)
        if (answered !== undefined) socket.write(answered)
      }
    })
  })
  return listen(server, stack)
}

/** Length of the first line, with its end. */
export function line(data: Buffer, end = '\n'): number | undefined {
  const at = data.indexOf(end)
  return at === -1 ? undefined : at + end.length
}

/** Bytes of a header that hold a length, and what else belongs to the message. */
export function sized(data: Buffer, header: number, read: () => number): number | undefined {
  return data.length < header ? undefined : header + read()
}

/** Bytes one after the other. */
export function bytes(...parts: readonly (string | number | readonly number[] | Uint8Array)[]): Buffer {
  return Buffer.concat(parts.map((part) => Buffer.from(typeof part === 'number' ? [part] : part)))
}

export function u16(value: number): Buffer {
  const data = Buffer.alloc(2)
  data.writeUInt16BE(value)
  return data
}

export function u32(value: number): Buffer {
  const data = Buffer.alloc(4)
  data.writeUInt32BE(value)
  return data
}
