import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { expect, it } from 'vitest'
import { overlayHealth } from '../../dial/overlay-health.ts'
import { installGuard } from '../install.ts'
import { a, inNetwork, listening, startLab } from '../testing/lab.ts'

it('a connection counts as open, with its bytes, as long as the socket that received it', async () => {
  installGuard()
  await using _ = await startLab()
  const server = createServer((socket) => socket.pipe(socket))
  const port = await listening(server)
  const health = () => overlayHealth().find(({ overlay }) => overlay === a)
  await inNetwork(a, async () => {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    const before = health()
    expect(before).toMatchObject({ open: 1 })
    socket.write('hello')
    await once(socket, 'data')
    expect((health()?.bytesReceived ?? 0) - (before?.bytesReceived ?? 0)).toBe('hello'.length)
    socket.destroy()
    expect(health()).toMatchObject({ open: 0 })
  })
  server.close()
})
