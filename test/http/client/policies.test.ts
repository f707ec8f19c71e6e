/** Policies for the HTTP client of a process: its thread asks, the kernel decides. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { processes, type RequestOptions, security } from 'troupe'
import { type Application, boot } from 'troupe/app'

const root = join(import.meta.dirname, '../../fixtures/http-client')
const path = join(tmpdir(), `troupe-policies-${process.pid}.sock`)
let app: Application
let network: Server
let unix: Server
let port = 0

beforeAll(async () => {
  network = createServer((request, response) => {
    const to = new URL(request.url ?? '/', 'http://origin').searchParams.get('to')
    if (to !== null) response.writeHead(302, { location: to })
    response.end(request.url)
  })
  unix = createServer((_request, response) => response.end('unix'))
  await Promise.all([once(network.listen(0, '127.0.0.1'), 'listening'), once(unix.listen(path), 'listening')])
  const address = network.address()
  port = typeof address === 'object' && address !== null ? address.port : 0
  app = await boot({ root, onLog: () => undefined })
})
afterAll(async () => {
  await app.stop()
  network.close()
  unix.close()
  await rm(path, { force: true })
})

const at = (host: string, rest = '/') => `http://${host}:${port}${rest}`

/** The outcomes of requests under these policies, one after the other. */
async function asked(
  policies: readonly string[],
  urls: readonly string[],
  options: RequestOptions = {},
): Promise<unknown> {
  const scope = security.newScope(['app:all', ...policies])
  return app.run(async () =>
    processes.withActor(security.newActor('ann')).withScope(scope).exec('app:ask', 'app:threads', urls, options),
  )
}

describe('policies on the HTTP client of a process', () => {
  it('allow what they list', async () => {
    expect(await asked([], [at('127.0.0.1', '/a'), at('localhost', '/b')])).toEqual(['200 /a', '200 /b'])
  })

  it('deny private addresses, written out and behind names', async () => {
    const [written, named] = await Promise.all([
      asked(['app:no_private'], [at('127.0.0.1')]),
      asked(['app:no_private'], [at('localhost')]),
    ])
    expect(written).toEqual(['denied: http_client.private_ip of 127.0.0.1'])
    expect(named).toEqual([expect.stringMatching(/^denied: http_client.private_ip of (127\.0\.0\.1|::1)$/)])
  })

  it('are evaluated for the hops of a redirect', async () => {
    const to = encodeURIComponent(at('127.0.0.1', '/admin/keys'))
    expect(await asked(['app:no_admin'], [at('127.0.0.1', '/ok'), at('127.0.0.1', `/?to=${to}`)])).toEqual([
      '200 /ok',
      `denied: http_client.request of ${at('127.0.0.1', '/admin/keys')}`,
    ])
  })

  it('deny Unix sockets, and TLS without verification', async () => {
    expect(await asked([], ['http://x/'], { unixSocket: path })).toEqual(['200 unix'])
    expect(await asked(['app:no_sockets'], ['http://x/'], { unixSocket: path })).toEqual([
      `denied: http_client.unix_socket of ${path}`,
    ])
    const insecure = { tls: { insecureSkipVerify: true } }
    expect(await asked(['app:no_insecure'], [`https://127.0.0.1:${port}/`], insecure)).toEqual([
      `denied: http_client.insecure_tls of https://127.0.0.1:${port}/`,
    ])
  })

  it('that forbid plain sockets do not affect its own', async () => {
    expect(await asked(['app:no_plain_sockets'], [at('localhost', '/a'), at('127.0.0.1', '/b')])).toEqual([
      '200 /a',
      '200 /b',
    ])
  })

  it('are evaluated once for each URL, while they stay the same', async () => {
    const questions: unknown[] = []
    const note = (message: unknown) => {
      const [action, resource] = ['action', 'resource'].map((name) => String(Reflect.get(Object(message), name)))
      if (action?.startsWith('http_client.') === true) questions.push(`${action} of ${resource}`)
    }
    subscribe('troupe:security:decision', note)
    await asked([], [at('127.0.0.1', '/one'), at('127.0.0.1', '/one'), at('127.0.0.1', '/two')])
    unsubscribe('troupe:security:decision', note)
    expect(questions).toEqual([
      `http_client.request of ${at('127.0.0.1', '/one')}`,
      'http_client.private_ip of 127.0.0.1',
      `http_client.request of ${at('127.0.0.1', '/two')}`,
    ])
  })
})
