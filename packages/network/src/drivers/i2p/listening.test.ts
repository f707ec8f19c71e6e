import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { accept, dial } from '../../dial/dial.ts'
import type { Accepted, Listener, ListenGrant } from '../../overlay/overlay.ts'
import { addressName, destinationIn } from './destination.ts'
import { FakeRouter } from './testing/fake-router.ts'
import { destination, failure, route } from './testing/sample.ts'
import { answering, ScriptedBridge } from './testing/scripted-bridge.ts'

let stack = new AsyncDisposableStack()
beforeEach(() => (stack = new AsyncDisposableStack()))
afterEach(async () => stack.disposeAsync())

const listenGrant = (bridge: { readonly port: number }, session = 'here'): ListenGrant => ({
  ...route(bridge, {}, { session }),
  address: { host: 'here.b32.i2p', port: 80 },
})

/** The port to which a listener asked the bridge to forward. */
function forwardPort({ lines }: ScriptedBridge): number {
  return Number(/^STREAM FORWARD ID=here PORT=(\d+) HOST=127.0.0.1 SILENT=false$/.exec(lines.at(-1) ?? '')?.[1])
}

async function listening(): Promise<{
  bridge: ScriptedBridge
  listener: Listener
  next: () => Promise<Accepted>
  port: number
}> {
  const bridge = stack.use(await ScriptedBridge.start(answering({ STREAM: 'STREAM STATUS RESULT=OK\n' })))
  const listener = stack.use(await accept(listenGrant(bridge)))
  const acceptQueue = listener.connections[Symbol.asyncIterator]()
  const next = async () => {
    const arrival = await acceptQueue.next()
    if (arrival.done === true) throw new Error('it has ended')
    return arrival.value
  }
  return { bridge, listener, next, port: forwardPort(bridge) }
}

describe('a listener', () => {
  it('returns streams as they arrive, with their sender, at any split', async () => {
    const { next, port } = await listening()
    const head = `${destination('visitor')}\n`
    for (const at of [0, 1, 100, head.length - 1, head.length, head.length + 2]) {
      const whole = Buffer.from(`${head}hello`)
      const router = connect({ port, host: '127.0.0.1', noDelay: true })
      if (at > 0) {
        await new Promise((resolve) => router.write(whole.subarray(0, at), resolve))
        await new Promise(setImmediate)
      }
      router.end(whole.subarray(at))
      const { socket, peer } = await next()
      expect(peer).toEqual({ address: await addressName(destination('visitor')), destination: destination('visitor') })
      expect([socket.listenerCount('error'), socket.listenerCount('readable')]).toEqual([0, 0])
      expect(await text(socket)).toBe('hello')
    }
  })

  it('accepts a router that sends ports', async () => {
    const { next, port } = await listening()
    connect({ port, host: '127.0.0.1' }).end(`${destination('visitor')} FROM_PORT=5 TO_PORT=80\n`)
    expect((await next()).peer.destination).toBe(destination('visitor'))
  })

  it.each(['', 'hello\n', `${destination().slice(0, 200)}\n`, 'x'.repeat(40_000)])(
    'drops streams without a sender: %#',
    async (said) => {
      const { next, port } = await listening()
      const stranger = connect({ port, host: '127.0.0.1' }).on('error', () => undefined)
      stranger.end(said)
      stranger.resume()
      await once(stranger, 'close')
      connect({ port, host: '127.0.0.1' }).end(`${destination('visitor')}\n`)
      expect((await next()).peer.destination).toBe(destination('visitor'))
    },
  )

  it('does not see the checks of its own session', async () => {
    const bridge = stack.use(await ScriptedBridge.start(answering({ STREAM: 'STREAM STATUS RESULT=OK\n' })))
    const own = { host: await addressName(destination('own')), port: 80 }
    const listener = stack.use(await accept({ ...listenGrant(bridge), address: own }))
    const acceptQueue = listener.connections[Symbol.asyncIterator]()
    const port = forwardPort(bridge)
    const look = connect({ port, host: '127.0.0.1' }).resume()
    look.write(`${destination('own')}\n`)
    await once(look, 'close')
    connect({ port, host: '127.0.0.1' }).end(`${destination('visitor')}\n`)
    expect((await acceptQueue.next()).value).toMatchObject({ peer: { destination: destination('visitor') } })
  })

  it('ends when it is disposed of, and leaves nothing behind', async () => {
    const { bridge, listener, next, port } = await listening()
    const unknown = connect({ port, host: '127.0.0.1' })
    await once(unknown, 'connect')
    const waiting = next()
    waiting.catch(() => undefined)
    await listener[Symbol.asyncDispose]()
    await expect(waiting).rejects.toThrow('it has ended')
    await once(
      unknown.resume().on('error', () => undefined),
      'close',
    )
    await bridge.deserted()
    const refused = connect({ port, host: '127.0.0.1' })
    await expect(once(refused, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  it('is Unavailable when the session is gone, and as soon as it goes', async () => {
    const { bridge, next } = await listening()
    const waiting = failure(next())
    bridge.cut()
    expect(await waiting).toMatchObject({ kind: 'Unavailable', retryable: true })
    const router = stack.use(await FakeRouter.start())
    expect(await failure(accept(listenGrant(router)))).toMatchObject({
      kind: 'Unavailable',
      details: { result: 'INVALID_ID' },
    })
    await router.bridge.deserted()
  })

  it('is the only one on its session', async () => {
    const bridge = stack.use(
      await ScriptedBridge.start(
        answering({ STREAM: 'SESSION STATUS RESULT=I2P_ERROR MESSAGE="Already accepting"\n' }),
      ),
    )
    const error = await failure(accept(listenGrant(bridge)))
    expect(error).toMatchObject({
      kind: 'Unavailable',
      message: expect.stringContaining('Already accepting') as string,
    })
    await bridge.deserted()
  })

  it('is reached from another session of the router', async () => {
    const router = stack.use(await FakeRouter.start())
    const open = async (id: string) => {
      const control = connect({ port: router.port, host: '127.0.0.1' })
      stack.defer(() => void control.destroy())
      control.write('HELLO VERSION\n')
      await once(control, 'data')
      control.write(`SESSION CREATE STYLE=STREAM ID=${id} DESTINATION=TRANSIENT\n`)
      await vi.waitUntil(() => router.sessions.has(id))
    }
    await Promise.all([open('here'), open('there')])
    const listener = stack.use(await accept(listenGrant(router)))
    const host = destinationIn(router.sessions.get('here')?.key ?? '') ?? ''
    const socket = await dial(route(router, {}, { session: 'there' }), { host, port: 80 })
    for await (const accepted of listener.connections) {
      accepted.socket.end('welcome')
      break
    }
    expect(await text(socket)).toBe('welcome')
  })
})
