/** `troupe cluster check` and `troupe cluster status`, with real servers. */
import { expect, it } from 'vitest'
import { z } from 'zod'
import { CommandLine, type Printed } from './command-line.ts'
import { NodeProcess } from './node-process.ts'
import { freePorts, Servers } from './servers.ts'

const section = { name: 'shop', node: 'a', network: null, replicas: 1, lease: '10s' }
const findings = z.array(z.object({ severity: z.string(), check: z.string(), message: z.string() }))

/** What `check` found: `server ok`, for instance. */
function found({ out }: Printed): readonly string[] {
  return findings.parse(JSON.parse(out)).map(({ check, severity }) => `${check} ${severity}`)
}

it('check proves what the servers can do, and when they write to their disks', async () => {
  const [lazy = 0, strict = 0] = await freePorts(2, '127.0.0.1')
  await using usual = await Servers.start({ count: 1, settings: { http: `127.0.0.1:${lazy}` } })
  await using line = await CommandLine.in({ ...section, servers: usual.urls })
  const plain = await line.run('check')
  expect(found(plain)).toEqual(['server ok', 'jetstream ok', 'bucket ok', 'durable warning'])
  expect(plain).toMatchObject({ status: 0, out: expect.stringMatching(/it is not known when/) as string })
  const monitored = await line.run('check', '--monitor', `http://127.0.0.1:${lazy}`)
  expect(found(monitored).at(-1)).toBe('durable warning')
  expect(monitored.out).toMatch(/written to the disk every 120 s/)
  const configuration = `http: "127.0.0.1:${strict}"\njetstream { sync_interval: always }\n`
  await using durable = await Servers.start({ count: 1, configuration })
  await line.configure({ ...section, servers: durable.urls })
  const safe = await line.run('check', '--monitor', `http://127.0.0.1:${strict}/`)
  expect(found(safe)).toEqual(['server ok', 'jetstream ok', 'bucket ok', 'durable ok'])
})

it('check fails for servers that are absent, have no JetStream, or too few of them', async () => {
  await using server = await Servers.start({ count: 1 })
  const [port = 0] = await freePorts(1, '127.0.0.1')
  await using line = await CommandLine.in({ ...section, servers: [...server.urls, `nats://127.0.0.1:${port}`] })
  const one = await line.run('check')
  expect(one.status).toBe(1)
  expect(found(one).slice(0, 3)).toEqual(['server ok', 'server error', 'jetstream ok'])
  expect(one.out).toMatch(/"remedy": "start the server/)
  await line.configure({ ...section, servers: server.urls, replicas: 3 })
  const few = await line.run('check')
  expect([few.status, found(few)[2]]).toEqual([1, 'bucket error'])
  expect(few.out).toMatch(/replicas 1.*expected history 1, replicas 3/)
  await using bare = await Servers.start({ count: 1, settings: { jetstream: false }, configuration: '\n' })
  await line.configure({ ...section, servers: bare.urls })
  const without = await line.run('check')
  expect([without.status, found(without)[1]]).toEqual([1, 'jetstream error'])
})

it('check and status do not connect in the clear to servers behind an overlay', async () => {
  await using line = await CommandLine.in({ ...section, servers: ['nats://127.0.0.1:1'], network: 'app:proxy' })
  await line.declare([{ name: 'proxy', kind: 'network.socks5', host: '127.0.0.1', port: 1 }])
  for (const command of ['check', 'status']) {
    const refused = await line.run(command)
    expect(refused).toMatchObject({ status: 1, out: '' })
    expect(refused.err).toMatch(/reached through app:proxy, and this command connects in the clear only/)
  }
})

it('check of three servers names those that do not follow', async () => {
  await using servers = await Servers.start({ count: 3 })
  await using line = await CommandLine.in({ ...section, servers: servers.urls, replicas: 3 })
  await expect(line.run('check')).resolves.toMatchObject({ status: 0 })
  const killed = await servers.killLeader('KV_troupe_shop_nodes')
  await expect
    .poll(async () => found(await line.run('check')).includes('bucket warning'), { timeout: 60_000, interval: 1_000 })
    .toBe(true)
  const named = await line.run('check')
  expect(named.status).toBe(1)
  expect(named.out).toContain(`of which ${killed} does not follow`)
})

it('status shows the records of the servers, and while an application runs, what that knows', async () => {
  await using servers = await Servers.start({ count: 1 })
  const settings = { ...section, servers: servers.urls }
  await using line = await CommandLine.in(settings)
  const none = await line.run('status')
  expect(none.status).toBe(1)
  expect(none.err).toMatch(/no node has joined shop yet/)
  await using a = await NodeProcess.start({ cluster: settings })
  await using b = await NodeProcess.start({ cluster: { ...settings, node: 'b' } })
  const incarnations = [(await a.booted()).incarnation, (await b.booted()).incarnation]
  await a.event('joined', 'b')
  await b.stop()
  await a.event('left', 'b')
  const listed = await line.run('status')
  expect(JSON.parse(listed.out)).toMatchObject({
    nodes: [
      { node: 'a', state: 'alive', incarnation: incarnations[0] },
      { node: 'b', state: 'left', incarnation: incarnations[1] },
    ],
  })
  // The folder of a has no state of another application.
  await using own = await CommandLine.of(a.folder, settings)
  const running = await own.run('status')
  expect(JSON.parse(running.out)).toMatchObject({
    name: 'shop',
    node: 'a',
    state: 'member',
    since: expect.any(Number) as number,
    nodes: [{ node: 'a', incarnation: incarnations[0], since: expect.any(Number) as number }],
  })
})

it('check finds a bucket with another configuration', async () => {
  await using servers = await Servers.start({ count: 1 })
  await servers.addStream('KV_troupe_shop_nodes', '$KV.troupe_shop_nodes.>', 5)
  await using line = await CommandLine.in({ ...section, servers: servers.urls })
  const wrong = await line.run('check')
  expect([wrong.status, found(wrong)[2]]).toEqual([1, 'bucket error'])
  expect(wrong.out).toMatch(/another configuration: history 5/)
})
