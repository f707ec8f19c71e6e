/** The dashboard's server, as operators, readers and websites see it. */
import { once } from 'node:events'
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempDisposableSync, statSync } from 'node:fs'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { loadConfig } from '@troupe/registry'
import { attachFiles } from 'troupe/app'
import { processes } from 'troupe'
import { describe, expect, it } from 'vitest'
import { certificateTools, installPeers } from '../peers/install.ts'
import { Events, raw, root, startScene } from './dashboard-app.ts'

const token = 'A-token-of-256-bits-in-43-characters-0123456'

describe('the dashboard', () => {
  it('serves its page, and lets it do nothing but what it needs', async () => {
    await using scene = await startScene()
    const page = await scene.request('/')
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    const policy = page.headers.get('content-security-policy') ?? ''
    expect(policy).toMatch(/^default-src 'none';/)
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toMatch(/unsafe|data:|blob:|https?:|\*/)
    for (const path of ['/', '/main.js', '/style.css', '/chart.css', '/icon.svg', '/nothing', '/events']) {
      const { headers } = await scene.request(path)
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('content-security-policy')).toBe(policy)
      for (const name of ['opener', 'resource']) expect(headers.get(`cross-origin-${name}-policy`)).toBe('same-origin')
      expect(headers.get('cross-origin-embedder-policy')).toBe('require-corp')
      expect(headers.get('access-control-allow-origin')).toBeNull()
    }
    for (const path of ['/../package.json', '/%2e%2e/package.json', '/..%2fpackage.json', '/main.ts/', '/lib/x.js'])
      expect((await scene.request(path)).status).toBe(404)
    expect((await scene.request('/', { method: 'POST' })).status).toBe(405)
  })

  it('gives no byte to requests for another host, and to those of other pages', async () => {
    await using scene = await startScene()
    const { port } = scene
    const own = `Host: 127.0.0.1:${port}\r\n`
    const get = (headers: string, line = 'GET / HTTP/1.1') =>
      raw(port, `${line}\r\n${headers}Connection: close\r\n\r\n`)
    expect(await get(own)).toMatch(/^HTTP\/1.1 200/)
    expect(await get(`Host: LOCALHOST:${port}\r\n`)).toMatch(/^HTTP\/1.1 200/)
    const hosts = [
      'evil.example',
      `evil.example:${port}`,
      '127.evil.example',
      `127.0.0.1.evil.example:${port}`,
      `localhost.evil.example:${port}`,
      `127.0.0.1:${port + 1}`,
      '127.0.0.1',
      `127.1:${port}`,
      `0.0.0.0:${port}`,
      `127.0.0.1:${port}, evil.example`,
      `user@127.0.0.1:${port}`,
      '',
    ]
    for (const host of hosts) expect([host, await get(`Host: ${host}\r\n`)]).toEqual([host, ''])
    const others = [
      '',
      `${own}Host: evil.example\r\n`,
      `${own}Origin: http://evil.example\r\n`,
      `${own}Origin: http://127.0.0.1.evil.example:${port}\r\n`,
      `${own}Origin: http://localhost:${port}\r\n`,
      `${own}Origin: null\r\n`,
      // A browser sends no origin in no-cors mode.
      `${own}Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n`,
      `${own}Sec-Fetch-Site: same-site\r\n`,
    ]
    for (const headers of others) expect([headers, await get(headers)]).toEqual([headers, ''])
    // A form of another page, a preflight request, WebSockets, proxies, and what Node replies to by itself.
    const form = 'Content-Type: text/plain\r\nContent-Length: 2\r\n'
    const upgrade = 'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'
    const lines: readonly (readonly [string, string])[] = [
      ['POST /actions HTTP/1.1', `${own}Origin: http://evil.example\r\n${form}`],
      ['OPTIONS /actions HTTP/1.1', `${own}Origin: http://evil.example\r\nAccess-Control-Request-Method: POST\r\n`],
      ['GET /events HTTP/1.1', `${own}${upgrade.replace('Upgrade', 'Connection: upgrade\r\nUpgrade')}`],
      ['GET /events HTTP/1.1', `Host: evil.example\r\nConnection: upgrade\r\n${upgrade}`],
      ['POST /actions HTTP/1.1', `Host: evil.example\r\nExpect: 100-continue\r\n${form}`],
      ['POST /actions HTTP/1.1', `${own}Expect: something\r\n${form}`],
      ['GET http://evil.example/ HTTP/1.1', own],
      ['GET //evil.example/ HTTP/1.1', own],
      [`CONNECT 127.0.0.1:${port} HTTP/1.1`, own],
      ['GET / HTTP/1.0', ''],
    ]
    for (const [line, headers] of lines) expect([line, await get(headers, line)]).toEqual([line, ''])
    expect(await raw(port, 'rubbish\r\n\r\n')).toBe('')
    expect(await raw(port, `GET / HTTP/1.1\r\n${own}X: ${'x'.repeat(32_768)}\r\n\r\n`)).toBe('')
  })

  it('requires a token, and an operator token for actions; each leaves a line in the log', async () => {
    await using scene = await startScene()
    const { place } = scene
    for (const path of ['/events', '/registry/log', '/registry/diff', '/dead']) {
      expect((await scene.request(path)).status).toBe(401)
      expect((await scene.request(path, { token: 'wrong' })).status).toBe(401)
      expect((await scene.request(`${path}?token=${place.operator}`)).status).toBe(401)
      expect((await scene.request(path, { headers: { cookie: `token=${place.operator}` } })).status).toBe(401)
    }
    const counter = async () => (await scene.app.observe()).processes.rows.find(({ entry }) => entry === 'app:counts')
    await expect.poll(counter).toBeDefined()
    const before = await counter()
    const restart = { action: 'restart', service: 'app:counter' }
    expect((await scene.act(restart, 'wrong')).status).toBe(401)
    const refused = await scene.act(restart, place.reader)
    expect([refused.status, await refused.text()]).toEqual([403, expect.stringContaining('to look only')])
    await expect.poll(() => scene.log.join('\n')).toContain('WARN dashboard, reader: restart app:counter was refused')
    expect((await scene.app.observe()).processes.rows.map(({ pid }) => pid)).toContain(before?.pid)
    const done = await scene.act(restart)
    expect([done.status, await done.json()]).toEqual([200, { done: restart }])
    expect(scene.log.join('\n')).toContain('WARN dashboard, operator: restart app:counter')
    const isAnother = async () =>
      (await scene.app.observe()).processes.rows.some(({ entry, pid }) => entry === 'app:counts' && pid !== before?.pid)
    await expect.poll(isAnother).toBe(true)
    expect((await scene.act({ action: 'stop', service: 'app:none' })).status).toBe(404)
    expect((await scene.act({ action: 'eval', code: '1' })).status).toBe(400)
    expect((await scene.act({ ...restart, more: 1 })).status).toBe(400)
    const post = async (type: string, body: string) =>
      (
        await scene.request('/actions', {
          method: 'POST',
          token: place.operator,
          headers: { 'content-type': type },
          body,
        })
      ).status
    expect(await post('text/plain', JSON.stringify(restart))).toBe(415)
    expect(await post('application/json', '{')).toBe(400)
    expect(await post('application/json', ' '.repeat(1 << 17))).toBe(413)
    expect((await scene.request('/actions', { token: place.operator })).status).toBe(405)
  })

  it('has tokens of 256 bits, in a file that only this user can read, until it stops', async () => {
    const scene = await startScene()
    const { place, app } = scene
    const file = attachFiles(app.config.networkService.stateDir, process.pid).dashboard
    expect(Buffer.from(place.operator, 'base64url')).toHaveLength(32)
    expect(Buffer.from(place.reader, 'base64url')).toHaveLength(32)
    expect(place.operator).not.toBe(place.reader)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(dirname(file)).mode & 0o777).toBe(0o700)
    await scene[Symbol.asyncDispose]()
    expect(existsSync(file)).toBe(false)
    await expect(scene.request('/')).rejects.toThrow('fetch failed')
  })

  it('shows states, and then what changed, while a page looks', async () => {
    await using scene = await startScene()
    const { app, place } = scene
    const isWaiting = async () =>
      (await app.observe()).processes.rows.some(({ entry, state }) => entry === 'app:counts' && state === 'waiting')
    await expect.poll(isWaiting).toBe(true)
    await using events = new Events(scene, place.reader)
    await expect.poll(() => events.last('state')?.isWhole).toBe(true)
    expect(events.all[0]).toMatchObject({ type: 'hello', role: 'reader', pid: process.pid })
    await app.run(async () => {
      const pid = await processes.spawn('app:fails', 'app:threads')
      const changes = () => events.all.filter(({ type, isWhole }) => type === 'state' && isWhole === false)
      await expect.poll(() => changes().some(({ rows }) => rows?.some((row) => row.pid === pid))).toBe(true)
      await processes.send(pid, 'now')
      await expect.poll(() => changes().some(({ gone }) => gone?.includes(pid))).toBe(true)
      await expect.poll(() => events.last('log')?.lines?.some(({ text }) => text.includes('it failed'))).toBe(true)
    })
    // Most rows are sent once.
    expect(events.all.filter(({ rows }) => rows?.some(({ entry }) => entry === 'app:counts'))).toHaveLength(1)
    for (const { entry, pid } of (await app.observe()).processes.rows)
      if (entry === 'app:counts') await app.kernel.terminate(pid)
    const isFailed = () =>
      events.all.some(({ changes }) => changes?.some(({ id, state }) => id === 'app:counter' && state === 'Failed'))
    await expect.poll(isFailed).toBe(true)
  })

  it('reports a kernel that does not reply, and continues afterwards', async () => {
    await using scene = await startScene()
    await using events = new Events(scene, scene.place.reader)
    await expect.poll(() => events.last('state')).toBeDefined()
    const clock = new Int32Array(new SharedArrayBuffer(4))
    const block = () => Atomics.wait(clock, 0, 0, 3000)
    await expect.poll(() => block() && events.all.some(({ silence }) => (silence ?? 0) > 2000)).toBe(true)
    const count = events.all.filter(({ type }) => type === 'state').length
    await expect.poll(() => events.all.filter(({ type }) => type === 'state').length).toBeGreaterThan(count)
  })

  it('sends no secret', async () => {
    const secrets = ['planted-login', 'planted-password', 'planted-key-of-more-than-32-characters', 'planted-header']
    const [login, password, key, header] = secrets
    const proxy = { id: 'app:proxy', kind: 'network.socks5', host: '127.0.0.1', port: 9, username: login, password }
    const tokens = { id: 'app:tokens', kind: 'security.token_store', key }
    await using scene = await startScene({
      dashboard: { token, reader_token: `${token}-of-a-reader` },
      entries: [proxy, { ...proxy, id: 'app:removed' }, tokens],
    })
    await scene.app.registry.apply([
      { op: 'delete', entry: { id: 'app:removed' } },
      { op: 'update', entry: { ...tokens, max_tokens: 50_000 } },
    ])
    const versions = scene.app.registry.history().map(({ version }) => version)
    const diff = `/registry/diff?from=${Math.min(...versions)}&to=${Math.max(...versions)}`
    const shown = await (await scene.request(diff, { token })).text()
    expect(shown).toContain('"app:removed"')
    expect(shown).toContain('"app:tokens"')
    const seen: string[] = []
    await using events = new Events(scene, token)
    await expect.poll(() => events.all.filter(({ type }) => type === 'state').length).toBeGreaterThan(1)
    await scene.app.run(async () => {
      const pid = await processes.withOptions({ network: 'app:proxy' }).spawn('app:holds', 'app:threads', 9)
      await processes.exited(pid)
    })
    const count = events.all.length
    await expect.poll(() => events.all.length).toBeGreaterThan(count + 3)
    for (const path of ['/', '/main.js', '/events?x=1', '/registry/log', diff, '/dead', '/none'])
      for (const each of [undefined, token].slice(0, path.startsWith('/events') ? 1 : 2)) {
        const response = await scene.request(path, {
          ...(each && { token: each }),
          headers: { 'x-secret': header ?? '' },
        })
        seen.push(JSON.stringify([...response.headers]), await response.text())
      }
    seen.push(await (await scene.act({ action: 'stop', service: 'app:none' })).text(), ...events.lines)
    for (const secret of [...secrets, token, 'of-a-reader'])
      expect(seen.filter((each) => each.includes(secret))).toEqual([])
    for (const secret of [...secrets, token]) expect(scene.log.filter((line) => line.includes(secret))).toEqual([])
  })
})

/** Where it starts although it should not, it is stopped. */
async function startAndStop(dashboard: object): Promise<void> {
  await using _ = await startScene({ dashboard })
}

describe('the place of the dashboard', () => {
  const section = async (dashboard: object) => loadConfig(root, { sections: { dashboard } })

  it('is this machine, unless there are a token and TLS', async () => {
    for (const addr of ['0.0.0.0:9465', '10.0.0.1:9465', '[::]:9465', '127.evil.example:9465'])
      await expect(section({ addr })).rejects.toThrow('the dashboard needs a token and tls')
    await expect(section({ addr: '0.0.0.0:9465', token })).rejects.toThrow('the dashboard needs a token and tls')
    await expect(section({ addr: 'nowhere' })).rejects.toThrow('expected an address with a port')
    await expect(section({ addr: '127.0.0.1:1', token: 'short' })).rejects.toThrow('a token of 256 bits')
    await expect(section({ addr: '127.0.0.1:1', token, reader_token: token })).rejects.toThrow('set two different ones')
    const { dashboard } = await section({ addr: '0.0.0.0:9465', token, tls: { cert: 'c.pem', key: 'k.pem' } })
    expect(dashboard?.tls?.key).toMatch(/\/fixtures\/observe\/k.pem$/)
  })

  it('may use TLS', async () => {
    await installPeers(certificateTools)
    using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-dashboard-tls-'))
    const [cert, key] = [join(folder.path, 'cert.pem'), join(folder.path, 'key.pem')]
    const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
    const kind = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
    execFileSync(certificateTools.openssl.path, [...kind, ...names, '-keyout', key, '-out', cert], { stdio: 'ignore' })
    await using scene = await startScene({ dashboard: { token, tls: { cert, key } } })
    expect(scene.place).toMatchObject({ url: `https://127.0.0.1:${scene.port}/`, operator: token })
    const asked = httpsRequest(scene.place.url, { rejectUnauthorized: false }).end()
    const { promise, resolve } = Promise.withResolvers<IncomingMessage>()
    asked.once('response', resolve)
    expect(await text(await promise)).toContain('<!doctype html>')
    expect(await raw(scene.port, `GET / HTTP/1.1\r\nHost: 127.0.0.1:${scene.port}\r\n\r\n`)).toBe('')
  })

  it('may be a Unix socket in a folder of this user alone', async () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-dashboard-socket-'))
    const socketPath = join(folder.path, 'dashboard.sock')
    {
      await using scene = await startScene({ dashboard: { addr: `unix:${socketPath}` } })
      expect(scene.place.url).toBe(`unix:${socketPath}`)
      const statusOf = async (host: string) => {
        const asked = httpRequest({ socketPath, path: '/', headers: { host } }).end()
        return once(asked, 'response').then(
          ([{ statusCode }]) => statusCode as unknown,
          () => 'closed',
        )
      }
      // What forwards to it has any port.
      expect([await statusOf('localhost:8000'), await statusOf('127.0.0.1')]).toEqual([200, 200])
      expect([await statusOf('evil.example'), await statusOf('127.evil.example:80')]).toEqual(['closed', 'closed'])
    }
    expect(existsSync(socketPath)).toBe(false)
    using open = mkdtempDisposableSync(join(tmpdir(), 'troupe-dashboard-open-'))
    chmodSync(open.path, 0o755)
    await expect(startAndStop({ addr: `unix:${join(open.path, 'dashboard.sock')}` })).rejects.toThrow(
      /needs a folder that only this user can enter, .*or set another dashboard\.addr/,
    )
  })

  it('is refused when it is in use', async () => {
    await using server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const addr = `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
    await expect(startAndStop({ addr })).rejects.toThrow(`the dashboard cannot be served at ${addr}: listen`)
  })
})
