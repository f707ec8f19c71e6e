import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { protocols, startWebApp, type WebApp } from './web-app.ts'

const run = promisify(execFile)
const upgrade = 'Host: localhost\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n'

async function raw(web: WebApp, bytes: string): Promise<string> {
  const socket = connect(web.port, '127.0.0.1').setEncoding('latin1')
  let answer = ''
  socket.on('data', (text: string) => {
    answer += text
  })
  socket.write(bytes)
  await once(socket, 'close')
  return answer
}

async function withFolder(
  use: (folder: string, entries: readonly { id: string; kind: string }[]) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-left-'))
  try {
    await use(folder, [
      {
        id: 'app:files',
        kind: 'http.static',
        ...{ meta: { server: 'app:web' }, path: '/files', directory: `file://${folder}` },
      },
    ])
  } finally {
    await rm(folder, { recursive: true })
  }
}

describe('an upgrade that no WebSocket accepts', () => {
  it.each([['inline'], [{ max: 1 }]])('is a request with its method and body: %j', async (pool) => {
    await using web = await startWebApp({ pool, endpoints: { echo: { method: 'POST', path: '/echo', func: 'echo' } } })
    const answer = await raw(web, `POST /echo HTTP/1.1\r\n${upgrade}Content-Length: 5\r\n\r\nhello`)
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
    expect(answer).toContain('hello')
    expect(await raw(web, `GET /echo HTTP/1.1\r\n${upgrade}\r\n`)).toMatch(/^HTTP\/1\.1 405 /)
  })

  it('is streamed as far as its client reads it', async () => {
    await withFolder(async (folder, entries) => {
      await writeFile(join(folder, 'big'), '')
      await truncate(join(folder, 'big'), 2 ** 31)
      await using web = await startWebApp({ entries })
      const before = process.memoryUsage.rss()
      const sockets = Array.from({ length: 20 }, () => {
        const socket = connect(web.port, '127.0.0.1')
        socket.write(`GET /files/big HTTP/1.1\r\n${upgrade}\r\n`)
        return socket
      })
      await Promise.all(sockets.map(async (socket) => once(socket, 'readable')))
      expect(process.memoryUsage.rss() - before).toBeLessThan(300_000_000)
      for (const socket of sockets) socket.destroy()
    })
  })
})

describe('a folder that contains a pipe', () => {
  it.each(protocols)('blocks no thread, over %s', async (protocol) => {
    await withFolder(async (folder, entries) => {
      await run('mkfifo', [join(folder, 'pipe')])
      await writeFile(join(folder, 'file'), 'text')
      await using web = await startWebApp({ protocol, entries })
      const statuses = await Promise.all(
        Array.from({ length: 20 }, async () => (await web.fetch('/files/pipe')).status),
      )
      expect(new Set(statuses)).toEqual(new Set([404]))
      expect(await (await web.fetch('/files/file')).text()).toBe('text')
    })
  })
})

describe('a client that disconnects before its body has arrived', () => {
  it.each([['inline'], [{ max: 1 }]])('is no error of the service: %j', async (pool) => {
    await using web = await startWebApp({ pool, endpoints: { size: { method: 'POST', path: '/size', func: 'size' } } })
    const socket = connect(web.port, '127.0.0.1')
    socket.write('POST /size HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n')
    await once(socket, 'data')
    socket.write('abc')
    socket.resetAndDestroy()
    await expect.poll(() => web.app.log.join('\n'), { timeout: 120_000 }).toContain('the client disconnected')
    expect(web.app.log.join('\n')).not.toMatch(/ERROR|aborted|prematurely/)
  })
})

describe('HTTP/2', () => {
  it('limits bodies, and their duration', async () => {
    await using web = await startWebApp({
      protocol: 'HTTP/2',
      service: { timeouts: { read: '1s' }, limits: { body: 1000 } },
      endpoints: { size: { method: 'POST', path: '/size', func: 'size' }, hello: { path: '/hello', func: 'hello' } },
    })
    const session = connectHttp2(web.url, { ca: web.ca ?? '' })
    const post = async (body: string | undefined, headers: Readonly<Record<string, string>> = {}) => {
      const stream = session.request({ ':method': 'POST', ':path': '/size', ...headers })
      stream.on('error', () => undefined).resume()
      if (body !== undefined) stream.write(body)
      const answers: readonly unknown[] = await once(stream, 'response')
      stream.close()
      return answers[0]
    }
    expect(await post('a', { 'content-length': '5000' })).toMatchObject({ ':status': 413 })
    expect(await post('a'.repeat(2000))).toMatchObject({ ':status': 413 })
    expect(await post('a')).toMatchObject({ ':status': 408 })
    expect((await web.fetch('/hello')).status).toBe(200)
    session.destroy()
  })
})
