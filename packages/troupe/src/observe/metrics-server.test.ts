import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect, it } from 'vitest'
import { MetricsServer } from './metrics-server.ts'

it('connections that send nothing keep no health check out', async () => {
  await using server = await MetricsServer.start({
    settings: { addr: '127.0.0.1:0', path: '/metrics', hosts: [] },
    observe: async () => Promise.reject(new Error('not asked')),
    health: () => ({ phase: 'running', services: [] }),
    onError: () => undefined,
  })
  const silent: Socket[] = []
  try {
    for (let i = 0; i < 300; i += 1) {
      const socket = connect(server.port, '127.0.0.1').on('error', () => undefined)
      await once(socket, 'connect')
      socket.write('GET /livez HTTP/1.1\r\n')
      silent.push(socket)
    }
    expect(await (await fetch(`http://127.0.0.1:${server.port}/livez`)).text()).toBe('ok\n')
  } finally {
    for (const socket of silent) socket.destroy()
  }
})
