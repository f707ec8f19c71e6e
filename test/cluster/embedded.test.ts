/** `servers: embedded`: a real nats-server for one application. */
import { once } from 'node:events'
import { readFile, stat } from 'node:fs/promises'
import { connect as connectSocket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { connect } from '@nats-io/transport-node'
import { expect, it } from 'vitest'
import { NodeProcess } from './node-process.ts'

const cluster = { name: 'shop', node: 'a', servers: 'embedded' }

/** Whether something accepts connections there. */
async function listens(host: string, port: number): Promise<boolean> {
  const socket = connectSocket({ host, port })
  const result = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'close').then(() => false),
  ]).catch(() => false)
  socket.destroy()
  return result
}

async function serverOf(node: NodeProcess): Promise<{ readonly url: string; readonly port: number }> {
  const { server } = await node.booted()
  if (server === undefined) throw new Error('it is connected to no server')
  return { url: server.url, port: Number(server.url.split(':').at(-1)) }
}

it('makes the application the only node, on a server of its own', async () => {
  await using node = await NodeProcess.start({ cluster })
  await expect(node.booted()).resolves.toMatchObject({ state: 'member', nodes: [{ node: 'a' }] })
  await node.stop()
  expect(node.child.exitCode).toBe(0)
  expect(node.lines.at(-1)).toMatchObject({ stopped: true })
  expect(node.lines.some(({ event }) => event?.type === 'left' && event.isOwn)).toBe(true)
})

it('needs no policy where all code does', async () => {
  await using node = await NodeProcess.start({ cluster, sections: { security: { strict_mode: true } } })
  await expect(node.booted()).resolves.toMatchObject({ state: 'member' })
})

it('is reached on loopback alone, with credentials that are in one private file', async () => {
  await using node = await NodeProcess.start({ cluster })
  const { url, port } = await serverOf(node)
  expect(url).toMatch(/^127\.0\.0\.1:/)
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  for (const { address, internal, family } of addresses)
    if (!internal && family === 'IPv4') await expect(listens(address, port)).resolves.toBe(false)
  await expect(connect({ servers: url, reconnect: false })).rejects.toThrow(/Authorization/i)
  const folder = join(node.folder, '.troupe/net/nats')
  expect((await stat(folder)).mode & 0o777).toBe(0o700)
  const file = join(folder, 'server.conf')
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  const { password = '' } = /"password":"(?<password>[^"]+)"/.exec(await readFile(file, 'utf8'))?.groups ?? {}
  const connection = await connect({ servers: url, user: 'troupe', pass: password })
  await connection.close()
  expect(JSON.stringify(node.lines)).not.toContain(password)
})

it('ends with the application, also when that is killed, and keeps what it stored', async () => {
  await using node = await NodeProcess.start({ cluster })
  const { port } = await serverOf(node)
  const { incarnation } = await node.booted()
  await expect(listens('127.0.0.1', port)).resolves.toBe(true)
  node.child.kill('SIGKILL')
  await once(node.child, 'exit')
  await expect.poll(async () => listens('127.0.0.1', port)).toBe(false)
  await using again = await NodeProcess.start({ cluster, sections: stateIn(node) })
  // Its record of before is declared dead first.
  const next = await again.booted()
  expect(next.incarnation).toBeGreaterThan(incarnation ?? 0)
})

it('is not started twice in one folder', async () => {
  await using node = await NodeProcess.start({ cluster })
  await node.booted()
  await using other = await NodeProcess.start({ cluster: { ...cluster, node: 'b' }, sections: stateIn(node) })
  const failed = await other.until((line) => line.failed)
  expect(failed).toMatchObject({ kind: 'AlreadyExists' })
  expect(failed.message).toMatch(/another application runs an embedded server/)
})

function stateIn({ folder }: NodeProcess) {
  return { network_service: { state_dir: join(folder, '.troupe/net') } }
}
