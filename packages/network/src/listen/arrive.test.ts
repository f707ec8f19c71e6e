import { once } from 'node:events'
import net, { type Socket } from 'node:net'
import { expect, it } from 'vitest'
import { inTheClear, isInTheClear } from '../drivers/in-the-clear.ts'
import { portOf } from '../guard/forwarding-proxy.ts'
import { installGuard } from '../guard/install.ts'
import { inNetwork, a } from '../guard/lab.ts'
import { arrive } from './arrive.ts'

it('what a connection brings is handled in the network of the thread, though a driver took it in by a server of its own', async () => {
  installGuard()
  await inNetwork(a, async () => {
    const inner = net.createServer()
    inTheClear(() => inner.listen({ port: 0, host: '127.0.0.1' }))
    await once(inner, 'listening')
    const client = inTheClear(() => net.connect(portOf(inner), '127.0.0.1')).on('error', () => {})
    const accepted = await new Promise<Socket>((resolve) => inner.once('connection', resolve))
    const server = net.createServer()
    const seen = new Promise<boolean>((resolve) => {
      server.on('connection', (socket) => socket.on('data', () => resolve(isInTheClear())))
    })
    arrive(server, { socket: accepted, peer: { address: 'peer.test' } }, { host: 'here.test', port: 1 })
    client.end('hello')
    expect(await seen).toBe(false)
    accepted.destroy()
    inner.close()
  })
})
