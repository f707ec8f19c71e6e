/** The connection of a node in an overlay. */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { expect, inject, it } from 'vitest'
import { address } from '../peers/loopback.ts'
import { NodeProcess } from './node-process.ts'
import { Servers } from './servers.ts'

const cluster = { name: 'shop', node: 'a', replicas: 1, network: 'app:proxy' }

function proxy(host: string, port: number) {
  return [{ id: 'app:proxy', kind: 'network.socks5', host, port }]
}

it('goes through the overlay', async () => {
  const { microsocks } = inject('peers')
  await using servers = await Servers.start({ count: 1, host: address(62) })
  const [url = ''] = servers.urls
  await using node = await NodeProcess.start({
    cluster: { ...cluster, servers: servers.urls },
    entries: proxy(microsocks.host, microsocks.port),
  })
  await expect(node.booted()).resolves.toMatchObject({ state: 'member' })
  expect(await readFile(microsocks.log, 'utf8')).toContain(new URL(url).host)
})

it('goes nowhere when the overlay does not work', async () => {
  let connections = 0
  const server = createServer((socket) => {
    connections += 1
    socket.destroy()
  }).listen(0, address(62))
  await once(server, 'listening')
  const found = server.address()
  const port = typeof found === 'object' && found !== null ? found.port : 0
  await using node = await NodeProcess.start({
    cluster: { ...cluster, servers: [`nats://${address(62)}:${port}`] },
    // Nothing listens there.
    entries: proxy(address(63), 1),
  })
  await expect(node.booted()).resolves.toMatchObject({ state: 'connecting' })
  expect(connections).toBe(0)
  server.close()
  await once(server, 'close')
})
