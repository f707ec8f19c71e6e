/** Sends responses whose bodies are streams. All others hono's server sends, which knows a shorter way. */
import { ServerResponse } from 'node:http'
import type { Writable } from 'node:stream'
import { runInSlot, type Slot, startTimer, stopTimer, TroupeError } from '@troupe/core'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Outgoing } from './environment.ts'

/** Whether a response has no body, or all of it at once, as far as can be told without opening it. */
export function isWhole(response: Response): boolean {
  const known: unknown = wholeKey === undefined ? undefined : Reflect.get(response, wholeKey)
  if (!Array.isArray(known)) return false
  const body: unknown = known[1]
  return body === null || typeof body === 'string' || body instanceof Uint8Array
}

/**
 * Where hono's `Response` keeps what it was made from, until somebody asks for its body; nothing where that cannot be found, which costs
 * speed alone. Looked up once its server has put that class in place of Node's.
 */
let wholeKey: symbol | undefined

export function findWholeKey(): void {
  wholeKey = Object.getOwnPropertySymbols(new Response('')).find(({ description }) => description === 'cache')
}

export interface Sending {
  readonly outgoing: Outgoing
  /** Of the code that made the body: what it does while it is read, it does as itself. */
  readonly slot: Slot
  /** Milliseconds that a client may take nothing of what it is sent; 0 for ever. */
  readonly patience: number
  readonly onFailed: (error: unknown) => void
}

/** Sends a response as its body comes, and as fast as the client takes it. Answers, at its end, what tells hono that nothing is left to do. */
export async function send(response: Response, sending: Sending): Promise<Response> {
  const { outgoing, slot, onFailed } = sending
  try {
    await runInSlot(slot, async () => pump(response, sending))
  } catch (error) {
    // The status is out: all that can be said is that something is missing.
    outgoing.destroy()
    onFailed(error)
  }
  return RESPONSE_ALREADY_SENT
}

async function pump(response: Response, { outgoing, patience }: Sending): Promise<void> {
  writeHead(outgoing, response)
  const body: ReadableStream<Uint8Array> | null = response.body
  if (body === null) {
    outgoing.end()
    return
  }
  // Whoever waits for the first event is to know that there will be some.
  if (outgoing instanceof ServerResponse) outgoing.flushHeaders()
  const reader = body.getReader()
  const { promise: closed, resolve } = Promise.withResolvers<'closed'>()
  outgoing.once('close', () => {
    resolve('closed')
  })
  if (outgoing.destroyed) resolve('closed')
  try {
    for (;;) {
      const next = await Promise.race([reader.read(), closed])
      if (next === 'closed') return
      if (next.done) {
        outgoing.end()
        return
      }
      // That it is closed is told in a later turn, which a stream that always has more would never let come.
      if (outgoing.destroyed) return
      if (!write(outgoing, next.value)) await drained(outgoing, patience, closed)
    }
  } finally {
    // Of what is at its end already, nothing comes of that.
    reader.cancel(new TroupeError('Canceled', 'the client has gone')).catch(() => undefined)
  }
}

function writeHead(outgoing: Outgoing, response: Response): void {
  const headers = headersOf(response)
  if (outgoing instanceof ServerResponse) outgoing.writeHead(response.status, headers)
  else outgoing.writeHead(response.status, headers)
}

function write(outgoing: Writable, chunk: Uint8Array): boolean {
  return outgoing.write(chunk)
}

async function drained(outgoing: Writable, patience: number, closed: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  outgoing.once('drain', resolve)
  const timer = patience === 0 ? undefined : startTimer(() => outgoing.destroy(), patience)
  await Promise.race([promise, closed])
  stopTimer(timer)
  outgoing.off('drain', resolve)
}

export function headersOf({ headers }: Response): Record<string, string | string[]> {
  const fields: Record<string, string | string[]> = Object.fromEntries(headers)
  const cookies = headers.getSetCookie()
  if (cookies.length > 0) fields['set-cookie'] = cookies
  return fields
}
