/** What ends the start of a node, and what does not. */
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createUser } from '@nats-io/nkeys'
import { describe, expect, it } from 'vitest'
import { address } from '../peers/loopback.ts'
import { lateActs, NodeProcess } from './node-process.ts'
import { Servers } from './servers.ts'

const cluster = { name: 'shop', node: 'a', network: null, replicas: 1 }

/** Returns the kind of the error that ended the start. */
async function failure(node: NodeProcess, message: RegExp): Promise<string | undefined> {
  const failed = await node.until((line) => line.failed)
  expect(failed.message).toMatch(message)
  await once(node.child, 'close')
  expect(node.child.exitCode).toBe(1)
  return failed.kind
}

describe('the start of a node', () => {
  it('fails when a living node has its name', async () => {
    await using servers = await Servers.start({ count: 1 })
    // The first may stand still for seconds.
    const settings = { cluster: { ...cluster, servers: servers.urls, lease: '10s' } }
    await using first = await NodeProcess.start(settings)
    await first.booted()
    await using second = await NodeProcess.start(settings)
    expect(await failure(second, /has the name a/)).toBe('AlreadyExists')
    expect(first.lines.some(({ event }) => event?.type === 'died')).toBe(false)
  })

  it('fails with credentials that the servers refuse, and succeeds with others', async () => {
    const [good, bad] = [createUser(), createUser()]
    const settings = { authorization: { users: [{ nkey: good.getPublicKey() }] } }
    await using servers = await Servers.start({ count: 1, settings })
    const folder = await mkdtemp(join(tmpdir(), 'troupe-nkeys-'))
    await using stack = new AsyncDisposableStack()
    stack.defer(async () => rm(folder, { recursive: true }))
    const start = async (seed: Uint8Array) => {
      const file = join(folder, 'seed')
      await writeFile(file, seed, { mode: 0o600 })
      return NodeProcess.start({ cluster: { ...cluster, servers: servers.urls, credentials: file } })
    }
    await using refused = await start(bad.getSeed())
    expect(await failure(refused, /cluster\.credentials/)).toBe('PermissionDenied')
    await using node = await start(good.getSeed())
    await expect(node.booted()).resolves.toMatchObject({ state: 'member' })
    for (const { lines } of [refused, node])
      expect(JSON.stringify(lines)).not.toContain(new TextDecoder().decode(good.getSeed()))
  })

  it('fails where the bucket exists with another configuration', async () => {
    await using servers = await Servers.start({ count: 1 })
    await servers.addStream('KV_troupe_shop_nodes', '$KV.troupe_shop_nodes.>', 5)
    await using node = await NodeProcess.start({ cluster: { ...cluster, servers: servers.urls } })
    expect(await failure(node, /troupe_shop_nodes exists with another configuration: history 5/)).toBe('Invalid')
  })

  it('fails where one server is to keep three replicas', async () => {
    await using servers = await Servers.start({ count: 1 })
    await using node = await NodeProcess.start({ cluster: { ...cluster, servers: servers.urls, replicas: 3 } })
    expect(await failure(node, /replicas/)).toBe('Invalid')
  })

  it('fails for a server that is too old', async () => {
    await using server = await oldServer()
    await using node = await NodeProcess.start({ cluster: { ...cluster, servers: [server.url] } })
    expect(await failure(node, /2\.9\.25/)).toBe('Invalid')
  })

  it('fails for an overlay that does not exist', async () => {
    await using node = await NodeProcess.start({
      cluster: { ...cluster, servers: ['nats://127.0.0.1:1'], network: 'app:none' },
    })
    expect(await failure(node, /there is no overlay app:none/)).toBe('Invalid')
  })

  it('succeeds without servers; the node joins when they are there', async () => {
    const listener = createServer().listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const found = listener.address()
    const port = typeof found === 'object' && found !== null ? found.port : 0
    listener.close()
    await using node = await NodeProcess.start({ cluster: { ...cluster, servers: [`nats://127.0.0.1:${port}`] } })
    await expect(node.booted()).resolves.toMatchObject({ state: 'connecting' })
    await using servers = await Servers.start({ count: 1, port })
    expect(servers.urls).toHaveLength(1)
    await node.event('joined', 'a')
    expect(lateActs([node])).toEqual([])
  })
})

/** Introduces itself as a server of Debian 12. */
async function oldServer() {
  const host = address(61)
  const server = createServer((socket) => {
    socket.write(
      `INFO ${JSON.stringify({ server_id: 'x', version: '2.9.25', proto: 1, headers: true, max_payload: 1e6 })}\r\n`,
    )
    socket.on('error', () => undefined)
    socket.on('data', (data) => {
      if (data.includes('PING')) socket.write('PONG\r\n')
    })
  }).listen(0, host)
  await once(server, 'listening')
  const found = server.address()
  return {
    url: `nats://${host}:${typeof found === 'object' && found !== null ? found.port : 0}`,
    async [Symbol.asyncDispose]() {
      server.close()
      await once(server, 'close')
    },
  }
}
