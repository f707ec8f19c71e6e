/** `troupe exec` over Tor, a tailnet and I2P, and over an entry of an application: `fetch` and `net` of any program. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, inject, it } from 'vitest'
import { serve, serveHttp, TailnetWorld } from '../overlays/tailscale-fixture.ts'
import { zeroHops } from '../peers/i2pd.ts'
import { TorControl } from '../peers/tor-control.ts'

const troupe = resolve(import.meta.dirname, '../../packages/cli/src/troupe.ts')
const at = (file: string) => join(import.meta.dirname, 'programs', file)
const program = at('two-ways.ts')
const { target, tor, i2p, microsocks } = inject('peers')

async function run(argv: readonly string[], more: NodeJS.ProcessEnv = {}, cwd = process.cwd()) {
  const env = { ...process.env, ...more, PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` }
  const child = spawn(process.execPath, [troupe, 'exec', ...argv], { stdio: 'pipe', env, cwd })
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { status: child.exitCode, out, err }
}

describe('Tor', () => {
  const network = `socks5://${tor.socks.host}:${tor.socks.port}`

  it('carries fetch and net by name', async () => {
    const { out, err } = await run([
      '--network',
      network,
      '--',
      'node',
      program,
      'web.test',
      `${target.http}`,
      `${target.echo}`,
    ])
    expect({ out, err }).toEqual({ out: '{"fetch":200,"net":"hello"}\n', err: '' })
  })

  it('gives each process a circuit of its own with --isolate', async () => {
    using control = await TorControl.open(tor)
    const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` }
    const argv = [troupe, 'exec', '--network', network, '--isolate', 'node', at('circuits.ts'), String(target.echo)]
    const child = spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', 'inherit'], env })
    await once(child.stdout, 'data')
    const open = await control.streams()
    const asked = control.events.filter(
      ({ status, target: to }) => status === 'NEW' && to === `web.test:${target.echo}`,
    )
    const mine = asked.flatMap(({ id }) => open.filter((stream) => stream.id === id))
    child.stdin.end()
    await once(child, 'exit')
    expect(mine).toHaveLength(4)
    expect(new Set(mine.map(({ circuit }) => circuit)).size).toBe(2)
  })
})

describe('I2P', () => {
  it('carries fetch and net by name, and refuses what is not in I2P', async () => {
    const hops = Object.entries(zeroHops).map(([name, value]) => `&options.${name}=${value}`)
    const network = `i2p?host=${i2p.sam.host}&port=${i2p.sam.port}${hops.join('')}`
    const { out } = await run(['--network', network, '--', 'node', program, i2p.echo, '80', '80'])
    // What echoes speaks no HTTP: the parser of fetch gets its own request back.
    expect(out).toMatch(/^\{"fetch":"[^"]*HTTP[^"]*","net":"hello"\}\n$/)
    const refused = await run(['--network', network, '--', 'node', program, 'web.test', '80', '80'])
    expect(refused.out).toMatch(/is not in I2P|Invalid|EOVERLAY/)
  })
})

describe('a tailnet', () => {
  it('carries fetch and net, consumes the key, and sends nothing else', async () => {
    await using stack = new AsyncDisposableStack()
    const folder = await mkdtemp(join(tmpdir(), 'troupe-exec-'))
    stack.defer(async () => rm(folder, { recursive: true, force: true }))
    const world = stack.use(await TailnetWorld.start())
    const right = await world.node('right')
    await serve(right, 7, (socket) => socket.pipe(socket))
    await serveHttp(right, 80)
    const key = await world.tailnet.key()
    const network = `tailnet?control_url=${encodeURIComponent(world.tailnet.url)}`
    const { out, err } = await run(
      ['--network', network, '--', 'node', at('find-secret.ts'), Buffer.from(key).toString('base64')],
      { TS_AUTHKEY: key, TS_DISABLE_PORTMAPPER: '1' },
    )
    expect({ out, err }).toMatchObject({ out: '[null,[]]\n' })
    const carried = await run(['--network', network, '--', 'node', program, 'right', '80', '7'], {
      TS_AUTHKEY: await world.tailnet.key(),
      TS_DISABLE_PORTMAPPER: '1',
    })
    expect(carried.out).toBe('{"fetch":200,"net":"hello"}\n')
  })
})

describe('an entry of the application in the folder', () => {
  it('is the network, with its secrets, which the program does not see', async () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-exec-'))
    mkdirSync(join(folder.path, 'src'))
    writeFileSync(
      join(folder.path, 'src/_index.yaml'),
      `version: "1.0"
namespace: app.net
entries:
  - { name: proxy, kind: network.socks5, host: "\${env:PROXY_HOST}", port: ${microsocks.port} }
`,
    )
    const argv = [
      '--network',
      'app.net:proxy',
      '--report=json',
      '--',
      'node',
      program,
      '127.0.0.1',
      `${target.http}`,
      `${target.echo}`,
      'env',
    ]
    const { out, err } = await run(argv, { PROXY_HOST: microsocks.host }, folder.path)
    expect(out).toBe('{"fetch":200,"net":"hello"}\nundefined\n')
    expect(JSON.parse(err)).toEqual({
      overlay: 'app.net:proxy',
      rows: [
        { network: 'overlay', target: `127.0.0.1:${target.http}`, count: 1, failed: 0 },
        { network: 'overlay', target: `127.0.0.1:${target.echo}`, count: 1, failed: 0 },
      ],
    })
  })
})
