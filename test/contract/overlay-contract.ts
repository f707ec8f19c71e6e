/**
 * The contract of every overlay driver. A driver's tests call {@link overlayContract} with a fixture of the real thing;
 * what the driver does not support is asserted as refused.
 */
import { createHook } from 'node:async_hooks'
import { createHash, randomBytes } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { TroupeError } from '@troupe/core'
import { accept, dial, type Listener, type Overlay, type Peer, type Route, type Target } from '@troupe/network'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

export interface OverlayFixture {
  readonly overlay: Overlay
  /** The same echo server, by each form of address that the overlay carries. */
  readonly echo: { readonly name: Target; readonly ipv4?: Target; readonly ipv6?: Target; readonly base64?: Target }
  /** A server that sends `bye` and ends. */
  readonly bye: Target
  /** A closed port. */
  readonly refused: Target
  /** A name that the overlay's own resolver does not know. */
  readonly unknown: Target
  /** Whether data that the target sends after our end of sending still arrives. */
  readonly halfClose: boolean
  /** A route of the driver whose proxy, bridge or node is at `port` of this machine. */
  routeTo(port: number): Route
  /** The route of another member of the overlay, which dials what listens here. @default the overlay's own */
  readonly visitor?: Route
  /**
   * Whether the overlay does not report that a listener has ended: dials succeed, and no byte arrives.
   *
   * @default false
   */
  readonly silentWhenGone?: boolean
}

const mebibyte = 1024 * 1024
const manyDials = 200

/** Defines the suite. `fixture` is called when the tests run. */
export function overlayContract(name: string, fixture: () => Promise<OverlayFixture>): void {
  describe(`${name} satisfies the contract of overlays`, () => {
    let overlay: OverlayFixture
    let route: Route
    const queries = new QueryCounter()
    let socketsBefore = 0

    beforeAll(async () => {
      overlay = await fixture()
      route = overlay.overlay.route
    })
    beforeEach(() => {
      queries.start()
      socketsBefore = openSockets()
    })
    afterEach(async () => {
      queries.stop()
      expect(queries.count, 'names looked up on this machine').toBe(0)
      await expect.poll(openSockets, { message: 'sockets that were left open' }).toBeLessThanOrEqual(socketsBefore)
    })
    afterAll(async () => overlay.overlay[Symbol.asyncDispose]())

    it('carries data in both directions, for any form of target', async () => {
      for (const target of Object.values(overlay.echo)) {
        expect(await echoed(await dial(route, target), Buffer.from('hello'))).toEqual(Buffer.from('hello'))
      }
    })

    it('carries a MiB in both directions intact', async () => {
      const sent = randomBytes(mebibyte)
      const back = await echoed(await dial(route, overlay.echo.name), sent)
      expect(digest(back)).toBe(digest(sent))
    })

    it('passes on the end of the target', async () => {
      const socket = await dial(route, overlay.bye)
      expect(await text(socket)).toBe('bye')
    })

    it('passes on the own end, and does not hang', async () => {
      const socket = await dial(route, overlay.echo.name)
      socket.end('last words')
      const heard = await text(socket)
      expect(overlay.halfClose ? ['last words'] : ['last words', '']).toContain(heard)
    })

    it.each(['refused', 'unknown'] as const)('reports a target that is %s', async (which) => {
      await expect(dial(route, overlay[which])).rejects.toMatchObject({
        kind: 'Unavailable',
        retryable: true,
        details: { overlay: route.overlay },
      })
    })

    it('fails when the proxy or router of the overlay does not exist', async () => {
      const { port } = await silence(async ({ port }) => ({ port }))
      await expect(dial(overlay.routeTo(port), overlay.echo.name)).rejects.toMatchObject({
        kind: 'Unavailable',
        retryable: true,
      })
    })

    it('ends in Timeout when the proxy or router of the overlay is silent', async () => {
      await silence(async ({ port }) => {
        await expect(dial(overlay.routeTo(port), overlay.echo.name, { timeout: 50 })).rejects.toMatchObject({
          kind: 'Timeout',
          retryable: true,
        })
      })
    })

    it('ends in Canceled before, while and after it connects', async () => {
      await expect(dial(route, overlay.echo.name, { signal: AbortSignal.abort() })).rejects.toMatchObject({
        kind: 'Canceled',
      })
      await silence(async (server) => {
        const { port } = server
        const early = new AbortController()
        const connecting = dial(overlay.routeTo(port), overlay.echo.name, { signal: early.signal })
        early.abort()
        await expect(connecting).rejects.toMatchObject({ kind: 'Canceled', retryable: false })

        const late = new AbortController()
        const accepted = server.connection()
        const speaking = dial(overlay.routeTo(port), overlay.echo.name, { signal: late.signal })
        speaking.catch(() => {})
        await accepted
        late.abort()
        await expect(speaking).rejects.toMatchObject({ kind: 'Canceled' })
      })
    })

    it(`carries ${manyDials} connections at once, each its own data`, async () => {
      const numbers = Array.from({ length: manyDials }, (_, number) => Buffer.from(`connection ${number}`))
      const back = await Promise.all(numbers.map(async (sent) => echoed(await dial(route, overlay.echo.name), sent)))
      expect(back).toEqual(numbers)
    })

    it('listens, or reports that listening is not supported', async () => {
      const { listen } = overlay.overlay.capabilities
      const refusal: unknown = listen
        ? undefined
        : await overlay.overlay.bind({ port: 8080 }).catch((error: unknown) => error)
      expect(refusal instanceof TroupeError ? [refusal.kind, /not supported/.test(refusal.message)] : []).toEqual(
        listen ? [] : ['Invalid', true],
      )
    })

    it('if it listens, is reached until the listener closes', async () => {
      if (!overlay.overlay.capabilities.listen) return
      const binding = await overlay.overlay.bind({ port: 8080 })
      const visitor = overlay.visitor ?? route
      const listener = await accept(binding.listenGrant)
      expect(listener.address).toEqual(binding.listenGrant.address)
      const served = serve(listener)
      const sent = randomBytes(mebibyte)
      expect(digest(await echoed(await dial(visitor, listener.address), sent))).toBe(digest(sent))
      const numbers = Array.from({ length: 20 }, (_, number) => Buffer.from(`visitor ${number}`))
      expect(await Promise.all(numbers.map(async (one) => echoed(await dial(visitor, listener.address), one)))).toEqual(
        numbers,
      )
      await listener[Symbol.asyncDispose]()
      await binding[Symbol.asyncDispose]()
      expect(new Set((await served).map(({ address }) => address)).size).toBe(1)
      const gone = await dial(visitor, listener.address).then(text).catch(outcomeOf)
      // A router may also end a stream that leads nowhere, before the first byte is late.
      expect(overlay.silentWhenGone === true ? ['', 'Timeout, retryable'] : ['Unavailable, retryable']).toContain(gone)
    })
  })
}

it('the contract would detect a name that is looked up on this machine', async () => {
  const queries = new QueryCounter()
  queries.start()
  await lookup('localhost')
  queries.stop()
  expect(queries.count).toBe(1)
})

/** Echoes all data until the listener ends, and reports its visitors. */
async function serve(listener: Listener): Promise<readonly Peer[]> {
  const peers: Peer[] = []
  for await (const { socket, peer } of listener.connections) {
    peers.push(peer)
    socket.on('error', () => socket.destroy()).pipe(socket)
  }
  return peers
}

/** Sends `data`, reads as much back, and closes. */
async function echoed(socket: Socket, data: Buffer): Promise<Buffer> {
  socket.write(data)
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of socket) {
    if (Buffer.isBuffer(chunk)) chunks.push(chunk)
    length = chunks.reduce((sum, { length }) => sum + length, 0)
    if (length >= data.length) break
  }
  return Buffer.concat(chunks)
}

interface Silence {
  readonly port: number
  /** Resolves when a client connects. */
  connection(): Promise<unknown>
}

/** Runs `use` with a server that accepts and sends nothing; afterwards its port is closed. */
async function silence<T>(use: (server: Silence) => Promise<T>): Promise<T> {
  const sockets: Socket[] = []
  const server = createServer((socket) => sockets.push(socket.on('error', () => socket.destroy())))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  try {
    return await use({
      port: typeof address === 'object' && address ? address.port : 0,
      connection: async () => once(server, 'connection'),
    })
  } finally {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
}

/** Counts the requests of this process to the system's resolver or to DNS servers, by any function. */
class QueryCounter {
  count = 0
  readonly #hook = createHook({
    init: (_id, type) => {
      if (type === 'GETADDRINFOREQWRAP' || type === 'QUERYWRAP') this.count += 1
    },
  })

  start(): void {
    this.count = 0
    this.#hook.enable()
  }

  stop(): void {
    this.#hook.disable()
  }
}

function openSockets(): number {
  return process.getActiveResourcesInfo().filter((type) => type === 'TCPSocketWrap').length
}

function digest(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}

function outcomeOf(error: unknown): string {
  return error instanceof TroupeError && error.retryable ? `${error.kind}, retryable` : String(error)
}
