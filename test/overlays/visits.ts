/**
 * For tests with two sides: a server that sends back what it receives, or, on request, visits a server on the side that
 * asks. So one side alone sees whether dials, and its listeners, work.
 */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { sleep } from '@troupe/core'
import { accept, dial, type ListenGrant, type Overlay, type Route, type Target } from '@troupe/network'

const patience = 10_000
const word = 'hello'
const opening = 'visit '

/** The reply to a hello. @throws as the dial */
export async function greet(route: Route, target: Target): Promise<string> {
  return ask(route, target, word)
}

/** The reply that the server at `far` gets when it greets the server at `target`, or its error in words. */
export async function visitedFrom(route: Route, far: Target, { host, port }: Target): Promise<string> {
  return ask(route, far, `${opening}${host} ${port}`)
}

/** Serves at the port of the overlay until the program ends; returns the address. */
export async function serveVisits(overlay: Overlay, port: number): Promise<Target> {
  const { listenGrant } = await overlay.bind({ port })
  void keepServing(listenGrant, overlay.route)
  return listenGrant.address
}

async function keepServing(grant: ListenGrant, route: Route): Promise<void> {
  for (;;) {
    await serve(grant, route).catch(() => undefined)
    // Like servers, which listen again when the overlay is lost.
    await sleep(50)
  }
}

async function serve(grant: ListenGrant, route: Route): Promise<void> {
  const { connections } = await accept(grant)
  for await (const { socket } of connections)
    void answer(
      socket.on('error', () => socket.destroy()),
      route,
    )
}

async function answer(socket: Socket, route: Route): Promise<void> {
  const [first]: unknown[] = await once(socket, 'data').catch(() => [])
  const text = String(first)
  if (text.startsWith(opening)) {
    const [host = '', port = ''] = text.slice(opening.length).split(' ')
    socket.end(await greet(route, { host, port: Number(port) }).catch(String))
  } else if (Buffer.isBuffer(first)) {
    socket.write(first)
    socket.pipe(socket)
  }
}

async function ask(route: Route, target: Target, question: string): Promise<string> {
  const socket = await dial(route, target, { timeout: patience })
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  socket.on('error', reject).on('close', () => reject(new Error('closed')))
  socket.once('data', (chunk) => resolve(String(chunk))).write(question)
  return promise.finally(() => socket.destroy())
}
