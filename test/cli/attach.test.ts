/** A running application, seen and steered from another program: by its user, and by others. */
import { execFile } from 'node:child_process'
import { readFileSync, statSync, existsSync, readdirSync } from 'node:fs'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { installPeers, terminals } from '../peers/install.ts'
import { AppFolder, type Program } from './app-folder.ts'

const files = {
  'package.json': '{ "type": "module" }',
  'src/_index.yaml': `
namespace: app
entries:
  - name: workers
    kind: process.host
    host: { isolation: shared, workers: 1 }
    lifecycle: { auto_start: true }
  - name: reader
    kind: process.ts
    source: file://work.ts
    method: reader
  - name: team
    kind: process.service
    process: app:reader
    host: app:workers
    lifecycle: { auto_start: true }
  - name: proxy
    kind: network.socks5
    host: 127.0.0.1
    port: 9
`,
  'src/work.ts': `
import { self, log } from 'troupe'
export async function reader() {
  log.info({ secret: 'no' }, 'reads')
  for await (const message of self.inbox) message.reply(1)
}
`,
}

/** With a service that needs another one, and one whose error shows a login. */
const family = {
  ...files,
  'src/_index.yaml': `${files['src/_index.yaml']}
  - name: after
    kind: process.service
    process: app:reader
    host: app:workers
    lifecycle: { auto_start: true, requires: [team] }
  - name: leaky
    kind: process.ts
    source: file://leaky.ts
    method: leaky
  - name: failing
    kind: process.service
    process: app:leaky
    host: app:workers
    lifecycle: { restart: { initial_delay: 1h, max_delay: 1h } }
`,
  'src/leaky.ts': "export function leaky() { throw new Error('cannot reach http://ann:hunter22@10.0.0.1/') }\n",
}

async function servicesIn(folder: AppFolder): Promise<ReadonlyMap<string, { readonly state: string }>> {
  const { services } = JSON.parse((await folder.troupe('pools')).out) as {
    services: readonly { readonly id: string; readonly state: string }[]
  }
  return new Map(services.map((service) => [service.id, service]))
}

async function running(folder: AppFolder): Promise<Program> {
  const program = folder.start('run')
  await program.says('troupe: running')
  return program
}

interface Row {
  readonly pid: string
  readonly entry: string
}

async function processesIn(folder: AppFolder): Promise<readonly Row[]> {
  const { out } = await folder.troupe('ps')
  return rowsOf(JSON.parse(out))
}

function rowsOf(value: unknown): readonly Row[]
function rowsOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'rows' in value ? value.rows : []
}

/** Sends a request to the socket of the application. */
async function ask(folder: AppFolder, token: string, path = '/observe'): Promise<number | undefined> {
  const state = join(folder.path, '.troupe/net/running')
  const name = readdirSync(state).find((each) => each.endsWith('.sock')) ?? ''
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
  request({ socketPath: join(state, name), path, headers: { authorization: token }, agent: false }, (response) => {
    void text(response).then(() => {
      resolve(response.statusCode)
    })
  })
    .on('error', reject)
    .end()
  return promise
}

describe('commands for a running application', () => {
  it('show it, steer it, and leave a line in its log', async () => {
    using folder = new AppFolder(files)
    using program = await running(folder)
    const [first] = await processesIn(folder)
    expect(first).toMatchObject({ entry: 'app:reader', names: ['app:team'], host: 'app:workers', state: 'waiting' })

    expect(await folder.troupe('restart', 'app:team')).toMatchObject({ status: 0, err: '' })
    const [second] = await processesIn(folder)
    expect(second?.entry).toBe('app:reader')
    expect(second?.pid).not.toBe(first?.pid)

    expect(await folder.troupe('kill', second?.pid ?? '')).toMatchObject({ status: 0, err: '' })
    await expect.poll(async () => (await processesIn(folder))[0]?.pid).not.toBe(second?.pid)
    await program.says(`operator: terminate ${second?.pid}`)

    expect(JSON.parse((await folder.troupe('overlays')).out)).toMatchObject({ overlays: [{ overlay: 'app:proxy' }] })
    expect((await folder.troupe('stop', 'app:team')).status).toBe(0)
    await expect.poll(async () => processesIn(folder)).toEqual([])
    const { services } = JSON.parse((await folder.troupe('pools')).out) as { services: readonly object[] }
    expect(services).toContainEqual(expect.objectContaining({ id: 'app:team', state: 'Stopped' }))
    // A client that says nothing does not hold the stop.
    const socket = readdirSync(join(folder.path, '.troupe/net/running')).find((name) => name.endsWith('.sock')) ?? ''
    const idle = connect(join(folder.path, '.troupe/net/running', socket))
    idle.on('error', () => undefined)
    await once(idle, 'connect')
    program.kill('SIGTERM')
    expect((await program.ended).status).toBe(0)
    expect(readdirSync(join(folder.path, '.troupe/net/running'))).toEqual([])
  })

  it('start what a restart stopped, and show no secrets', async () => {
    using folder = new AppFolder(family)
    using program = await running(folder)
    expect((await servicesIn(folder)).get('app:after')?.state).toBe('Running')
    expect(await folder.troupe('restart', 'app:team')).toMatchObject({ status: 0, err: '' })
    expect((await servicesIn(folder)).get('app:after')?.state).toBe('Running')
    await folder.troupe('start', 'app:failing')
    await expect.poll(async () => (await servicesIn(folder)).get('app:failing')?.state).toBe('Failed')
    const { out } = await folder.troupe('pools')
    expect(out).toContain('cannot reach http://ann:[redacted]@')
    expect(out).not.toContain('hunter22')
    program.kill('SIGTERM')
    await program.ended
  })

  it('and metrics reach an application that is in an overlay as a whole', async () => {
    await using free = createServer().listen(0, '127.0.0.1')
    await once(free, 'listening')
    const address = free.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    await free[Symbol.asyncDispose]()
    using folder = new AppFolder({
      ...files,
      '.troupe.yaml': `network_service: { default_network: app:proxy }\nmetrics: { addr: 127.0.0.1:${port} }\n`,
    })
    using program = await running(folder)
    expect(await processesIn(folder)).toHaveLength(1)
    const response = await fetch(`http://127.0.0.1:${port}/metrics`)
    expect(await response.text()).toContain('overlay="app:proxy"')
    program.kill('SIGTERM')
    expect((await program.ended).status).toBe(0)
  })

  it('say what is wrong', async () => {
    using folder = new AppFolder(files)
    expect(await folder.troupe('ps')).toMatchObject({
      status: 1,
      err: expect.stringContaining('no application of this folder runs') as string,
    })
    expect(await folder.troupe('kill')).toMatchObject({
      status: 2,
      err: expect.stringContaining('"troupe kill" takes a pid') as string,
    })
    using program = await running(folder)
    const failing = async (...argv: readonly string[]) => (await folder.troupe(...argv)).err
    expect(await failing('kill', '<9.9>')).toContain('<9.9>')
    expect(await failing('kill', 'nonsense')).toContain('"nonsense" is not a pid')
    expect(await failing('restart', 'app:none')).toContain('app:none')
    expect(await failing('close', 'x')).toContain('as "troupe connections" lists it')
    expect(await failing('ps', '--pid', '1')).toContain('no application of this folder runs as process 1')
    program.kill('SIGKILL')
    await program.ended
    // What a killed program leaves is not taken for a running one.
    expect(await failing('ps')).toContain('no application of this folder runs')
    using again = await running(folder)
    expect(await processesIn(folder)).toHaveLength(1)
    again.kill('SIGTERM')
    await again.ended
  })

  it('are for the user who started it', async () => {
    using folder = new AppFolder(files)
    using _program = await running(folder)
    const state = join(folder.path, '.troupe/net/running')
    expect(statSync(state).mode & 0o777).toBe(0o700)
    const token = readdirSync(state).find((name) => name.endsWith('.token')) ?? ''
    expect(statSync(join(state, token)).mode & 0o777).toBe(0o600)
    const secret = readFileSync(join(state, token), 'utf8')
    expect(await ask(folder, `Bearer ${secret}`)).toBe(200)
    for (const wrong of ['', 'Bearer ', `Bearer ${secret.slice(1)}`, secret, `Bearer ${secret}0`])
      expect(await ask(folder, wrong)).toBe(401)
    expect(await ask(folder, `Bearer ${secret}`, '/')).toBe(404)
    expect(await ask(folder, `Bearer ${secret}`, '/observe?processes=-1')).toBe(400)
  })
})

describe('troupe top', () => {
  it.each([
    [80, 24],
    [200, 50],
  ])('fits a terminal of %i × %i, and restores it', async (columns, rows) => {
    await installPeers(terminals)
    using folder = new AppFolder(files)
    using _program = await running(folder)
    const socket = join(folder.path, 'tmux')
    const tmux = async (...argv: readonly string[]) =>
      (await promisify(execFile)(terminals.tmux.path, ['-S', socket, '-f', '/dev/null', ...argv])).stdout
    const screen = async () => tmux('capture-pane', '-p')
    const shown = `${process.execPath} ${folder.programPath} top; stty | grep -c icanon; echo done; exec cat`
    const size = ['-x', String(columns), '-y', String(rows)]
    await tmux('new-session', '-d', ...size, '-c', folder.path, 'sh', '-c', shown)
    try {
      await expect.poll(screen).toContain('app:reader')
      const lines = (await screen()).split('\n')
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns)
      expect(lines.some((line) => line.startsWith('overlays: app:proxy down'))).toBe(true)
      await tmux('send-keys', '/', 'nothing', 'Enter')
      await expect.poll(screen).not.toContain('app:reader')
      await tmux('send-keys', '/', 'BSpace', 'BSpace', 'BSpace', 'BSpace', 'BSpace', 'BSpace', 'BSpace', 'Enter')
      await expect.poll(screen).toContain('app:reader')
      const pid = /(<\d+\.\d+>)/.exec(await screen())?.[1] ?? ''
      await tmux('send-keys', 't')
      await expect.poll(screen).toContain(`terminate ${pid}? y/n`)
      await tmux('send-keys', 'n')
      await expect.poll(screen).not.toContain('y/n')
      expect(await screen()).toContain(pid)
      await tmux('send-keys', 't', 'y')
      await expect.poll(screen).toContain(`${pid} was terminated`)
      await tmux('send-keys', 'C-c')
      await expect.poll(screen).toMatch(/^0\ndone\n/m)
      expect(await screen()).not.toContain('HANDLED/S')
    } finally {
      await tmux('kill-server')
    }
    expect(existsSync(join(folder.path, '.troupe/net/running'))).toBe(true)
  })
})
