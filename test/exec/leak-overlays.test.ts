/**
 * Not one packet of a program under `troupe exec` passes Tor, an I2P router, or its node in a tailnet. `leak.test.ts`
 * shows that the counters would count them.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, inject, it } from 'vitest'
import { z } from 'zod'
import { Namespace, proxyAddress } from '../guard/namespace.ts'
import { Daemon } from '../peers/daemon.ts'
import { samPort, zeroHops } from '../peers/i2pd.ts'
import { Tailnet } from '../peers/tailnet.ts'

const at = (file: string) => join(import.meta.dirname, 'programs', file)
const troupe = resolve(import.meta.dirname, '../../packages/cli/src/troupe.ts')
const outcomesSchema = z.record(z.string(), z.string())
const none = { dns: 0, tcp: 0, udp: 0, other: 0 }
/** Refused wherever the name leads. */
const native = ['a native child', 'a native child, synchronously']
let stack = new AsyncDisposableStack()
let folder = ''

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  folder = await mkdtemp(join(tmpdir(), 'troupe-exec-'))
  stack.defer(async () => rm(folder, { recursive: true, force: true }))
})
afterEach(async () => stack.disposeAsync())

const command = (network: string, ...program: readonly string[]) => [
  troupe,
  'exec',
  '--network',
  network,
  '--',
  process.execPath,
  ...program,
]

it('Tor, at its Unix socket: a namespace from which nothing passes', async () => {
  const namespace = stack.use(await Namespace.start(folder, { passes: 'tcp dport 1' }))
  const options = { name: 'servers', program: process.execPath, args: [at('far-servers.ts')] }
  await stack.use(new Daemon({ ...options, log: join(folder, 'far.log') })).printed(/ready/)
  // On a busy machine, a program that starts programs takes longer over Tor.
  process.env['PATIENCE'] = '60000'
  stack.defer(() => void delete process.env['PATIENCE'])
  const printed = await namespace.run(...command(`socks5+unix:${inject('peers').tor.unix}`, at('ways-program.ts')))
  expect(await namespace.counters()).toEqual({ proxy: 0, ...none })
  const { 'net.connect, an address': _, ...rest } = outcomesSchema.parse(JSON.parse(printed))
  const refused = new Set(['dns.resolveTxt', 'dgram', ...native])
  for (const [way, outcome] of Object.entries(rest))
    expect({ way, outcome }).toEqual({ way, outcome: refused.has(way) ? 'EOVERLAY' : 'done' })
})

// A router takes long to build its tunnels on a busy machine, and here two programs need some.
it('I2P', { timeout: 400_000 }, async () => {
  const namespace = stack.use(await Namespace.start(folder, { passes: `tcp dport ${samPort}` }))
  const far = resolve(import.meta.dirname, '../overlays/i2p-far.ts')
  const [program = '', ...within] = namespace.far
  const args = [...within, process.execPath, far, join(folder, 'i2p')]
  const router = stack.use(new Daemon({ name: 'router', program, args, log: join(folder, 'router.log') }))
  const host = (await router.printed(/^echo /)).slice('echo '.length)
  const hops = Object.entries(zeroHops).map(([name, value]) => `&options.${name}=${value}`)
  const network = `i2p?host=${proxyAddress}&port=${samPort}${hops.join('')}`
  const carried = await namespace.run(...command(network, at('two-ways.ts'), host, '80', '80'))
  expect(carried).toContain('"net":"hello"')
  const outcomes = outcomesSchema.parse(JSON.parse(await namespace.run(...command(network, at('ways-program.ts')))))
  const { proxy, ...strays } = await namespace.counters()
  expect(strays).toEqual(none)
  expect(proxy).toBeGreaterThan(20)
  // No name of these ways is in I2P; an address that stands for one is known before.
  const { 'dns.lookup': lookup, ...rest } = outcomes
  expect(lookup).toBe('done')
  expect(Object.values(rest)).not.toContain('done')
})

it('a tailnet', async () => {
  const passes = 'meta l4proto { tcp, udp } th dport != { 53, 853, 5353 }'
  const namespace = stack.use(await Namespace.start(folder, { passes }))
  const tailnet = stack.use(await Tailnet.start({ ip: proxyAddress, within: namespace.far }))
  const start = join(folder, 'start.mjs')
  const argv = command(`tailnet?control_url=${encodeURIComponent(tailnet.url)}`, at('ways-program.ts'))
  await writeFile(
    start,
    `import { spawnSync } from 'node:child_process'
    const env = { ...process.env, TS_DISABLE_PORTMAPPER: '1', TS_AUTHKEY: ${JSON.stringify(await tailnet.key())} }
    const stdio = ['ignore', 'pipe', 'inherit']
    process.stdout.write(spawnSync(process.execPath, ${JSON.stringify(argv)}, { env, stdio }).stdout)`,
  )
  const outcomes = outcomesSchema.parse(JSON.parse(await namespace.run(start)))
  const { proxy, ...strays } = await namespace.counters()
  expect(strays).toEqual(none)
  expect(proxy).toBeGreaterThan(0)
  // No node of this tailnet has such a name.
  expect(outcomes).toMatchObject({ fetch: 'ENOTFOUND', 'http.get': 'ENOTFOUND', Worker: 'it ended with 1' })
  for (const way of native) expect(outcomes).toHaveProperty([way], 'EOVERLAY')
})
