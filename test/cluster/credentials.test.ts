/** `troupe cluster credentials`, and what the servers let a node do with them. */
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { connect, errors, headers, type NatsConnection, nkeyAuthenticator, type Status } from '@nats-io/transport-node'
import { expect, it } from 'vitest'
import { CommandLine } from './command-line.ts'
import { NodeProcess } from './node-process.ts'
import { Servers } from './servers.ts'

const section = { name: 'shop', node: 'a', servers: ['nats://127.0.0.1:1'], network: null, replicas: 1, lease: '5s' }

/** Makes keys for a and b. Returns their files, and the configuration of the servers with both. */
async function keysOf(line: CommandLine) {
  const made = await line.run('credentials', 'a', 'b')
  expect(made).toMatchObject({ status: 0 })
  const [fileA, fileB] = ['a', 'b'].map((node) => join(line.folder, '.troupe', `${node}.nk`))
  if (fileA === undefined || fileB === undefined) throw new Error('two keys were made')
  return { a: fileA, b: fileB, configuration: made.out, printed: [made] }
}

async function connectedWith(file: string, url: string, node = 'a'): Promise<NatsConnection> {
  const seed = new TextEncoder().encode((await readFile(file, 'utf8')).trim())
  const servers = url.replace('nats://', '')
  return connect({ servers, authenticator: nkeyAuthenticator(seed), inboxPrefix: `t.shop.inbox.${node}` })
}

it('a key is in a new file for its owner alone, and is never printed', async () => {
  await using line = await CommandLine.in(section)
  const { a, printed } = await keysOf(line)
  expect((await stat(a)).mode & 0o777).toBe(0o600)
  const seed = (await readFile(a, 'utf8')).trim()
  expect(seed).toMatch(/^SU[A-Z2-7]{56}$/)
  for (const { out, err } of printed) expect(out + err).not.toContain(seed)
  const again = await line.run('credentials', 'c', 'a')
  expect(again).toMatchObject({ status: 1, out: '' })
  expect(again.err).toMatch(/a\.nk exists, and is not replaced: choose another file with --out/)
  expect((await readFile(a, 'utf8')).trim()).toBe(seed)
  await expect(stat(join(line.folder, '.troupe/c.nk'))).rejects.toThrow('ENOENT')
  const other = join(line.folder, 'keys/other.nk')
  const json = await line.run('credentials', 'a', '--out', other, '--json')
  const publicKey = expect.stringMatching(/^U/) as string
  expect(JSON.parse(json.out)).toMatchObject({ nodes: [{ node: 'a', file: other, publicKey }] })
  expect((await stat(other)).mode & 0o777).toBe(0o600)
  await expect(line.run('credentials', 'A')).resolves.toMatchObject({ status: 1 })
  await expect(line.run('credentials')).resolves.toMatchObject({ status: 2 })
})

it('nodes with such keys join, and declare one another dead', async () => {
  await using line = await CommandLine.in(section)
  const { a, b, configuration } = await keysOf(line)
  await using servers = await Servers.start({ count: 1, configuration })
  const settings = { ...section, servers: servers.urls }
  await using first = await NodeProcess.start({ cluster: { ...settings, credentials: a } })
  await using second = await NodeProcess.start({ cluster: { ...settings, node: 'b', credentials: b } })
  await expect(first.booted()).resolves.toMatchObject({ state: 'member' })
  await expect(second.booted()).resolves.toMatchObject({ state: 'member' })
  const { incarnation } = await first.event('joined', 'b')
  second.child.kill('SIGKILL')
  await expect(first.event('died', 'b')).resolves.toMatchObject({ incarnation, by: 'a' })
})

it('the servers refuse a node that acts as another one', async () => {
  await using line = await CommandLine.in(section)
  const { a, configuration } = await keysOf(line)
  await using servers = await Servers.start({ count: 1, configuration })
  const [url = ''] = servers.urls
  await using node = await NodeProcess.start({ cluster: { ...section, servers: servers.urls, credentials: a } })
  await node.booted()
  const connection = await connectedWith(a, url)
  for (const subject of [
    't.shop.to.b.from.b',
    't.shop.to.a.from.b',
    't.shop.inbox.b.x',
    't.other.to.b.from.a',
    '$KV.troupe_shop_nodes.p.b',
    '$KV.troupe_other_nodes.n.a',
    '$JS.API.STREAM.DELETE.KV_troupe_shop_nodes',
    '$JS.API.STREAM.PURGE.KV_troupe_shop_nodes',
    '$JS.API.STREAM.UPDATE.KV_troupe_shop_nodes',
    '$JS.API.STREAM.CREATE.own',
    't.other.jobs.j.x.y',
    '$JS.API.STREAM.DELETE.troupe_shop_jobs',
    '$JS.API.STREAM.PURGE.troupe_shop_jobs',
    '$JS.API.STREAM.UPDATE.troupe_shop_jobs',
    '$JS.API.STREAM.MSG.DELETE.troupe_shop_jobs',
    '$JS.API.CONSUMER.DURABLE.CREATE.troupe_shop_jobs.own',
    '$JS.API.STREAM.MSG.GET.troupe_other_jobs',
    '$SYS.REQ.SERVER.PING',
  ]) {
    const statuses = connection.status()
    connection.publish(subject)
    expect(await violation(statuses)).toEqual(['publish', subject])
  }
  for (const subject of ['t.shop.to.b.from.*', 't.shop.to.*.from.*', 't.>', '>', 't.shop.inbox.b.>', '_INBOX.>']) {
    const statuses = connection.status()
    const refused = connection.subscribe(subject)[Symbol.asyncIterator]().next()
    await expect(refused).rejects.toThrow(errors.PermissionViolationError)
    expect(await violation(statuses)).toEqual(['subscription', subject])
  }
  const own = connection.subscribe('t.shop.to.a.from.*', { max: 1 })
  connection.publish('t.shop.to.a.from.a', 'to itself')
  for await (const { subject } of own) expect(subject).toBe('t.shop.to.a.from.a')
  expect(own.getProcessed()).toBe(1)
  await connection.close()
})

it('a node ignores what servers deliver to its subjects for a consumer: it has a reply and headers', async () => {
  await using line = await CommandLine.in(section)
  const { a, b, configuration } = await keysOf(line)
  await using servers = await Servers.start({ count: 1, configuration })
  const [url = ''] = servers.urls
  const cluster = { ...section, servers: servers.urls }
  await using node = await NodeProcess.start({ cluster: { ...cluster, credentials: a } })
  await using other = await NodeProcess.start({ cluster: { ...cluster, node: 'b', credentials: b } })
  await node.booted()
  await other.booted()
  await node.event('joined', 'b')
  const sender = await connectedWith(b, url, 'b')
  // A node that sends three batches that cannot be read is suspect.
  for (let count = 0; count < 3; count += 1) {
    sender.publish('t.shop.to.a.from.b', 'no batch', { reply: '$JS.ACK.stream.consumer.1.1.1.1.0' })
    sender.publish('t.shop.to.a.from.b', 'no batch', { headers: headers() })
  }
  sender.publish('t.shop.to.a.from.b', 'no batch')
  const words = await node.until(({ log }) => (/sent what cannot be read/.test(log ?? '') ? log : undefined))
  expect(words).toMatch(/node b .* sent what cannot be read, its session is reset/)
  await sender.close()
})

/** The next operation that the servers refused. */
async function violation(statuses: AsyncIterable<Status>): Promise<readonly unknown[]> {
  for await (const status of statuses) {
    if (status.type === 'error' && status.error instanceof errors.PermissionViolationError)
      return [status.error.operation, status.error.subject]
  }
  throw new Error('the connection has ended')
}
