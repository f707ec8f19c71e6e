import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import net, { type Socket } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { portOf } from './testing/forwarding-proxy.ts'
import { installGuard } from './install.ts'
import { a, eventOf, inNetwork, type Lab, startLab } from './testing/lab.ts'
import { ownDatagrams } from '../sockets/own-datagrams.ts'
import { startProgram } from './node/own-threads.ts'
import { connectPlain, listenClear } from '../sockets/own-sockets.ts'
import { emitConnection } from '../listen/emit-connection.ts'

let lab: Lab

beforeAll(async () => {
  installGuard()
  lab = await startLab()
})
afterAll(async () => lab[Symbol.asyncDispose]())

/** Returns the results when the running code tries ways out. */
async function tried(): Promise<readonly unknown[]> {
  const failing = (way: () => unknown): unknown => {
    try {
      way()
      return 'was let through'
    } catch (error) {
      return error
    }
  }
  const socket = net.connect(9, '127.0.0.1').on('error', () => {})
  const dialled = await eventOf(socket, 'error')
  socket.destroy()
  const program = failing(() => spawn('true'))
  const datagram = await new Promise<unknown>((resolve) => {
    const sender = createSocket('udp4')
    sender.on('error', resolve).send('x', 9, '127.0.0.1', (error) => resolve(error ?? 'was let through'))
  })
  return [dialled, program, datagram]
}

/** The first reached the overlay's proxy, and the others were refused. */
const held = [{ kind: 'Unavailable' }, { code: 'EOVERLAY' }, { code: 'EOVERLAY' }]

it('handles an incoming connection in the network of the thread, although a driver accepted it', async () => {
  await inNetwork(a, async () => {
    const inner = net.createServer()
    listenClear(inner, 0, '127.0.0.1')
    await once(inner, 'listening')
    const client = connectPlain({ port: portOf(inner), host: '127.0.0.1' }).on('error', () => {})
    const accepted = await new Promise<Socket>((resolve) => inner.once('connection', resolve))
    const server = net.createServer()
    const seen = new Promise<readonly unknown[]>((resolve) => {
      server.on('connection', (socket) => socket.on('data', () => resolve(tried())))
    })
    emitConnection(server, { socket: accepted, peer: { address: 'peer.test' } }, { host: 'here.test', port: 1 })
    client.end('hello')
    expect(await seen).toMatchObject(held)
    accepted.destroy()
    inner.close()
  })
})

it('the datagrams of a driver, and its callbacks, are handled in the network of the thread', async () => {
  await inNetwork(a, async () => {
    const [one, two] = [ownDatagrams('udp4'), ownDatagrams('udp4')]
    await once(one.bind(0, '127.0.0.1'), 'listening')
    const received = new Promise<readonly unknown[]>((resolve) => one.once('message', () => resolve(tried())))
    const sent = new Promise<readonly unknown[]>((resolve) =>
      two.send('x', one.address().port, '127.0.0.1', () => resolve(tried())),
    )
    expect(await received).toMatchObject(held)
    expect(await sent).toMatchObject(held)
    one.close()
    two.close()
  })
})

it('the event for a started program is handled in the network of the thread', async () => {
  await inNetwork(a, async () => {
    const child = startProgram(() => spawn('echo', ['hello'], { stdio: ['ignore', 'pipe', 'ignore'] }))
    const heard = new Promise<readonly unknown[]>((resolve) => child.stdout.once('data', () => resolve(tried())))
    const ended = new Promise<readonly unknown[]>((resolve) => child.once('exit', () => resolve(tried())))
    expect(await heard).toMatchObject(held)
    expect(await ended).toMatchObject(held)
  })
})
