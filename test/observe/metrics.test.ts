/** Metrics and health of a running application, as a stranger and a scraper see them. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { entryId } from '@troupe/core'
import { http, processes } from 'troupe'
import { installPeers, monitoring } from '../peers/install.ts'
import { boot, loadConfig } from './metrics-app.ts'

const root = fileURLToPath(new URL('../fixtures/observe', import.meta.url))

/** All that a server sends back on a connection. */
async function raw(port: number, request: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(request)
  let all = ''
  socket.on('data', (chunk: Buffer) => (all += chunk.toString()))
  socket.on('error', () => undefined)
  await once(socket, 'close')
  return all
}

describe('metrics and health', () => {
  it('show what happened, and make no series of what comes and goes', async () => {
    await using app = await boot(root)
    const url = `http://127.0.0.1:${app.metricsPort}`
    const scrape = async () => (await fetch(`${url}/metrics`)).text()
    const before = (await scrape()).split('\n').length
    await app.run(async () => {
      for (let round = 0; round < 3; round += 1) {
        const pid = await processes.spawn('app:parent', 'app:shared', 200)
        const ended = processes.exited(pid)
        await processes.send(pid, 'end')
        await ended
      }
    })
    const after = await scrape()
    expect(after.split('\n').length - before).toBeLessThan(20)
    expect(after).not.toMatch(/<\d+\.\d+>/)
    expect(after).toMatch(/^troupe_messages_sent_total\{owner="main",overlay="clear"\} \d+$/m)
    const open = await fetch(`${url}/metrics`, { headers: { accept: 'application/openmetrics-text' } })
    expect(open.headers.get('content-type')).toContain('openmetrics')
    expect(await open.text()).toMatch(/# EOF\n?$/)
  })

  it('count the garbage collections of each thread', async () => {
    await using app = await boot(root)
    const scrape = async () => {
      await app.run(async () => {
        const pid = await processes.spawn('app:parent', 'app:shared', 200)
        const ended = processes.exited(pid)
        await processes.send(pid, 'end')
        await ended
      })
      return (await fetch(`http://127.0.0.1:${app.metricsPort}/metrics`)).text()
    }
    for (const owner of ['main', 'app:shared'])
      await expect
        .poll(scrape)
        .toMatch(new RegExp(`^troupe_thread_gc_total{owner="${owner}",overlay="clear",kind="minor"} [1-9]`, 'm'))
  })

  it('are valid for promtool', async () => {
    await using app = await boot(root)
    const { port } = app.address(entryId('app:web'))
    await (await fetch(`http://127.0.0.1:${port}/items/1`)).text()
    // Requests of the client, too.
    await app.run(async () => (await http.get(`http://127.0.0.1:${port}/nowhere`)).text())
    const counted = async () => (await app.observe()).routes.length
    await expect.poll(counted).toBe(2)
    const text = await (await fetch(`http://127.0.0.1:${app.metricsPort}/metrics`)).text()
    expect(text).toMatch(/^troupe_http_client_requests_total\{overlay="clear",outcome="4xx"\} 1$/m)
    await installPeers(monitoring)
    const child = execFile(monitoring.promtool.path, ['check', 'metrics'])
    child.stdin?.end(text)
    expect(await once(child, 'close')).toEqual([0, null])
  })

  it('give no byte to requests for another host, and nothing to websites', async () => {
    await using app = await boot(root)
    const port = app.metricsPort ?? 0
    const get = (headers: string) => raw(port, `GET /metrics HTTP/1.1\r\n${headers}Connection: close\r\n\r\n`)
    expect(await get(`Host: 127.0.0.1:${port}\r\n`)).toContain('troupe_threads')
    for (const host of ['evil.example', '127.evil.example', `127.0.0.1.evil.example:${port}`, `evil.example:${port}`])
      expect(await get(`Host: ${host}\r\n`)).toBe('')
    expect(await get(`Host: 127.0.0.1:${port}\r\nOrigin: http://evil.example\r\n`)).toBe('')
    expect(await get(`Host: 127.0.0.1:${port}\r\nHost: evil.example\r\n`)).toBe('')
    expect(await get(`Host: 127.0.0.1:${port}\r\nSec-Fetch-Site: cross-site\r\n`)).toBe('')
    expect(await get(`Host: 127.0.0.1:${port}\r\nSec-Fetch-Site: none\r\n`)).toContain('200 OK')
    expect(
      await raw(
        port,
        `POST /metrics HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
      ),
    ).toMatch(/^HTTP\/1.1 405/)
    expect(
      await raw(port, `GET /../etc/passwd HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: close\r\n\r\n`),
    ).toMatch(/^HTTP\/1.1 404/)
    expect(await raw(port, 'rubbish\r\n\r\n')).toMatch(/^HTTP\/1.1 400|^$/)
  })

  it('say when the application is ready, and that it stops', async () => {
    const app = await boot(root)
    const ready = async () => {
      const response = await fetch(`http://127.0.0.1:${app.metricsPort}/readyz`)
      return [response.status, (await response.text()).trim()]
    }
    expect(await ready()).toEqual([200, 'ok'])
    // A stranger who says nothing does not hold the stop.
    const idle = connect(app.metricsPort ?? 0, '127.0.0.1')
    idle.on('error', () => undefined)
    await once(idle, 'connect')
    app.retire()
    expect(await ready()).toEqual([503, 'stopping'])
    expect((await fetch(`http://127.0.0.1:${app.metricsPort}/livez`)).status).toBe(200)
    await app.stop()
    await expect(ready()).rejects.toThrow('fetch failed')
  })

  it('are refused outside of this machine without a token and TLS, before anything starts', async () => {
    const at = (metrics: object) => loadConfig(root, metrics)
    for (const addr of ['0.0.0.0:9464', '10.0.0.1:9464', '[::]:9464'])
      await expect(at({ addr })).rejects.toThrow('metrics need a token and tls')
    await expect(at({ addr: '0.0.0.0:9464', token: 'x'.repeat(32) })).rejects.toThrow('metrics need a token and tls')
    await expect(at({ addr: 'nowhere' })).rejects.toThrow('expected an address with a port')
    const { metrics } = await at({ addr: '0.0.0.0:9464', token: 'x'.repeat(32), tls: { cert: 'c.pem', key: 'k.pem' } })
    expect(metrics?.tls?.key).toBe(`${root}/k.pem`)
  })

  it('require the token that is configured', async () => {
    const token = 'a-token-of-32-characters-exactly'
    await using app = await boot(root, { token })
    const get = async (authorization?: string) =>
      (
        await fetch(`http://127.0.0.1:${app.metricsPort}/metrics`, {
          headers: { ...(authorization && { authorization }) },
        })
      ).status
    expect(await get()).toBe(401)
    expect(await get('Bearer wrong')).toBe(401)
    expect(await get(token)).toBe(401)
    expect(await get(`Bearer ${token}`)).toBe(200)
    // Health has no secrets.
    expect((await fetch(`http://127.0.0.1:${app.metricsPort}/livez`)).status).toBe(200)
  })
})

it('an application does not start when the port is in use', async () => {
  await using app = await boot(root)
  const run = promisify(execFile)(process.execPath, [
    fileURLToPath(new URL('metrics-app.ts', import.meta.url)),
    root,
    String(app.metricsPort),
  ])
  await expect(run).rejects.toThrow(/metrics cannot be served at 127\.0\.0\.1:\d+: listen EADDRINUSE/)
})
