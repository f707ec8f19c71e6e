import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { copyFile } from 'node:fs/promises'
import { connect as connectHttp2 } from 'node:http2'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { registry } from 'troupe'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Certificates, makeCertificates, type Signed } from '../../contract/certificates.ts'
import { nextData, startWebApp, type WebApp, type WebAppOptions } from './web-app.ts'

const run = promisify(execFile)

let certificates: Certificates

beforeAll(async () => {
  certificates = await makeCertificates()
})

afterAll(async () => {
  await certificates[Symbol.asyncDispose]()
})

const endpoints = {
  reported: { path: '/reported', func: 'reported' },
  echo: { method: 'POST', path: '/echo', func: 'echo' },
  ticks: { path: '/ticks', func: 'ticks' },
}

async function start(tls: Readonly<Record<string, unknown>> = {}, more: WebAppOptions = {}): Promise<WebApp> {
  const { certFile, keyFile } = certificates.server
  return startWebApp({
    endpoints,
    ...more,
    service: { tls: { cert: `file://${certFile}`, key: `file://${keyFile}`, ...tls } },
  })
}

/** The output of curl: the version of HTTP, the status, and the body; or the number of its error. */
async function curl(web: WebApp, path: string, ...more: readonly string[]): Promise<string> {
  const options = [
    '-sS',
    '--cacert',
    certificates.caFile,
    '--max-time',
    '20',
    '-w',
    '\n%{http_version} %{http_code}',
    ...more,
  ]
  try {
    return (
      await run('curl', [
        ...options,
        `https://localhost:${web.port}${path}`,
        '--resolve',
        `localhost:${web.port}:127.0.0.1`,
      ])
    ).stdout
  } catch (error) {
    return `failed: ${error instanceof Error && 'code' in error ? String(error.code) : ''}`
  }
}

const withClient = ({ certFile, keyFile }: Signed) => ['--cert', certFile, '--key', keyFile]

describe('a service with certificates', () => {
  it('works over HTTP/2 and HTTP/1.1 with curl, and has https URLs', async () => {
    await using web = await start()
    for (const [option, version] of [
      ['--http2', '2'],
      ['--http1.1', '1.1'],
    ] as const) {
      const [body = '', line] = (await curl(web, '/reported', option, '-H', 'x-mine: a')).split('\n')
      expect(line).toBe(`${version} 200`)
      expect(JSON.parse(body)).toMatchObject({ url: `https://localhost:${web.port}/reported`, header: 'a' })
    }
  })

  it.each([['inline'], [{ max: 1 }]])('streams over HTTP/2, %j', async (pool) => {
    await using web = await start({}, { pool })
    const file = join(certificates.folder, 'body')
    await run('dd', ['if=/dev/urandom', `of=${file}`, 'bs=1M', 'count=3'])
    await run('sh', [
      '-c',
      `cd ${certificates.folder} && curl -sS --http2 --cacert ca.pem --data-binary ` +
        `@body https://localhost:${web.port}/echo -o back && cmp body back 1>&2`,
    ])
    const session = connectHttp2(`https://localhost:${web.port}`, { ca: certificates.ca })
    const stream = session.request({ ':path': '/ticks' })
    const first = await nextData(stream)
    expect(first).toBe('data: 1\n\n')
    stream.close()
    await expect.poll(() => web.app.log.filter((line) => line.includes('ticks ended')).length).toBe(1)
    session.destroy()
  })

  it('uses only HTTP/1.1 if configured', async () => {
    const { certFile, keyFile } = certificates.server
    await using web = await startWebApp({
      endpoints,
      service: { http2: false, tls: { cert: `file://${certFile}`, key: `file://${keyFile}` } },
    })
    expect(await curl(web, '/reported', '--http2')).toMatch(/\n1\.1 200$/)
  })

  it.each([
    // Clients without a certificate, with one of our authority, and with one of another.
    ['none', 200, 200, 200],
    ['request', 200, 200, 200],
    ['require', 'failed', 200, 200],
    ['verify', 'failed', 200, 'failed'],
  ])('authenticates clients by the mode %s', async (mode, anonymous, known, stranger) => {
    await using web = await start({ client_auth: mode, client_ca: `file://${certificates.caFile}` })
    const outcome = async (...more: readonly string[]) => {
      const text = await curl(web, '/reported', ...more)
      return text.startsWith('failed') ? 'failed' : Number(text.slice(-3))
    }
    for (const version of ['--http2', '--http1.1']) {
      expect([
        await outcome(version),
        await outcome(version, ...withClient(certificates.client)),
        await outcome(version, ...withClient(certificates.stranger)),
      ]).toEqual([anonymous, known, stranger])
    }
  })

  it('passes the certificate of a client to handlers', async () => {
    await using web = await start({ client_auth: 'request', client_ca: `file://${certificates.caFile}` })
    const reported = async (...more: readonly string[]): Promise<unknown> =>
      JSON.parse((await curl(web, '/reported', ...more)).split('\n')[0] ?? '')
    expect(await reported(...withClient(certificates.client))).toMatchObject({
      certificate: { subject: 'client', verified: true },
    })
    expect(await reported(...withClient(certificates.stranger))).toMatchObject({
      certificate: { subject: 'stranger', verified: false },
    })
    expect(await reported()).not.toHaveProperty('certificate')
  })

  it('loads new certificates from its files while connections stay open', async () => {
    const { folder, server } = certificates
    const [certFile, keyFile] = [join(folder, 'live.pem'), join(folder, 'live.key')]
    await copyFile(server.certFile, certFile)
    await copyFile(server.keyFile, keyFile)
    await using web = await start({ cert: `file://${certFile}`, key: `file://${keyFile}` })
    const old = await dial(web)
    const renewed = await certificates.renewed('renewed')
    await copyFile(renewed.keyFile, keyFile)
    await copyFile(renewed.certFile, certFile)
    await expect.poll(async () => subjectOf(await dial(web))).toBe('renewed')
    old.write('GET /reported HTTP/1.1\r\nHost: localhost\r\n\r\n')
    const answer = await nextData(old)
    expect(answer).toContain('200 OK')
    old.destroy()
  })

  it('loads new certificates from its entry while connections stay open', async () => {
    await using web = await start()
    const old = await dial(web)
    const { cert, key } = await certificates.renewed('inline')
    await registry.apply([
      {
        op: 'update',
        entry: {
          id: 'app:web',
          kind: 'http.service',
          addr: '127.0.0.1:0',
          tls: { cert, key },
          lifecycle: { auto_start: true },
        },
      },
    ])
    expect(subjectOf(await dial(web))).toBe('inline')
    old.write('GET /reported HTTP/1.1\r\nHost: localhost\r\n\r\n')
    const answer = await nextData(old)
    expect(answer).toContain('200 OK')
    old.destroy()
  })

  it('loads certificates from variables, and keeps them out of the registry', async () => {
    const { cert, key } = await certificates.renewed('from variables')
    Object.assign(process.env, { WEB_TEST_CERT: cert, WEB_TEST_KEY: key })
    await using web = await startWebApp({
      endpoints,
      service: { tls: { cert: '${env:WEB_TEST_CERT}', key: '${env:WEB_TEST_KEY}' } },
    })
    expect(subjectOf(await dial(web))).toBe('from variables')
    expect(web.app.app.registry.get(web.id).fields['tls']).toEqual({
      cert: '${env:WEB_TEST_CERT}',
      key: '${env:WEB_TEST_KEY}',
    })
  })

  it('does not start with certificates that do not match', async () => {
    await using web = await startWebApp({ endpoints: {} })
    const { server, client } = certificates
    const entry = {
      id: 'app:wrong',
      kind: 'http.service',
      addr: '127.0.0.1:0',
      tls: { cert: server.cert, key: client.key },
    }
    await registry.apply([{ op: 'create', entry: { ...entry, lifecycle: { auto_start: true } } }])
    const { state, error } = web.app.service('app:wrong')
    expect([state, error?.kind]).toEqual(['Exited', 'Invalid'])
  })
})

async function dial(web: WebApp): Promise<TLSSocket> {
  const socket = connect({ port: web.port, host: '127.0.0.1', servername: 'localhost', ca: certificates.ca })
  await once(socket, 'secureConnect')
  return socket
}

function subjectOf(socket: TLSSocket): unknown {
  const { CN } = socket.getPeerCertificate().subject
  socket.destroy()
  return CN
}
