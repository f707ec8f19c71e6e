import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { entryId } from '@troupe/core'
import { processes, registry, security } from 'troupe'
import { describe, expect, it } from 'vitest'
import { Client, socketEntry, startSocketApp, statusOf } from './socket-app.ts'

const run = promisify(execFile)

describe('a WebSocket of a service', () => {
  it('works with curl', async () => {
    await using web = await startSocketApp({ sockets: { brief: { close_timeout: '50ms' } } })
    // The key and the response of RFC 6455, 1.3; then a text frame, and one that closes with 1000.
    const headers = [
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ]
    const args = ['--silent', '--include', '--no-buffer', ...headers.flatMap((header) => ['--header', header])]
    const url = `http://127.0.0.1:${web.port}/brief`
    // curl does not reply to the close frame: in the end the connection is cut, and curl may report it.
    const { stdout } = await run('curl', [...args, url], { encoding: 'latin1' }).catch(
      (error: unknown) => error as { stdout: string },
    )
    expect(stdout).toMatch(/^HTTP\/1\.1 101 /)
    expect(stdout).toContain('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
    expect(stdout.slice(stdout.indexOf('\r\n\r\n') + 4)).toBe('\x81\x05hello\x88\x02\x03\xe8')
    const plain = await run('curl', ['--silent', '--include', url])
    expect(plain.stdout).toMatch(/^HTTP\/1\.1 426 /)
  })

  it('works over TLS, while pages and streams use HTTP/2', async () => {
    const folder = join(import.meta.dirname, '../../guard/fixtures')
    const tls = { cert: `file://${join(folder, 'server.pem')}`, key: `file://${join(folder, 'server.key')}` }
    const stream = {
      id: 'app:clock-stream',
      kind: 'http.events',
      meta: { router: 'app:router' },
      path: '/clock',
      process: 'app:clock',
      host: 'app:host',
    }
    await using web = await startSocketApp({ sockets: { echo: {} }, service: { tls }, entries: [stream] })
    const client = await Client.open(web.url('echo').replace('ws:', 'wss:'), {
      ca: await readFile(join(folder, 'ca.pem')),
    })
    expect(await client.ask('hello')).toBe('hello')
    const url = `https://127.0.0.1:${web.port}/clock`
    const { stdout } = await run('curl', ['--silent', '--include', '--http2', '--cacert', join(folder, 'ca.pem'), url])
    expect(stdout).toMatch(/^HTTP\/2 200/)
    expect(stdout).toMatch(/\r\n\r\ndata: tick\n\ndata: tock\n\n$/)
  })

  it('works with the WebSocket of Node', async () => {
    await using web = await startSocketApp({ sockets: { echo: {} } })
    const socket = new WebSocket(web.url('echo'))
    const data = await new Promise((resolve) => {
      socket.addEventListener('open', () => {
        socket.send('hello')
      })
      socket.addEventListener('message', (event) => {
        resolve(event.data)
      })
    })
    expect(data).toBe('hello')
    socket.close()
  })

  it('continues when its entry changes; new ones use the new entry', async () => {
    await using web = await startSocketApp({ sockets: { echo: {} } })
    const client = await Client.open(web.url('echo'))
    expect(await client.ask('one')).toBe('one')
    await registry.apply([{ op: 'update', entry: socketEntry('echo', { process: 'app:whoami' }) }])
    expect(await client.ask('two')).toBe('two')
    expect(await (await Client.open(web.url('echo'))).next()).toBe('{"actor":null,"scope":null}')
    await registry.apply([{ op: 'delete', entry: { id: 'app:echo-socket' } }])
    expect(await client.ask('three')).toBe('three')
    expect(await statusOf(web.url('echo'))).toBe(404)
  })

  it('is closed with 1001 when the service stops', async () => {
    await using web = await startSocketApp({ sockets: { echo: {} } })
    const client = await Client.open(web.url('echo'))
    const stopped = web.app.app.stopService(entryId('app:web'))
    expect(await client.closed).toEqual({ code: 1001, reason: 'the service stops' })
    await stopped
  })

  it('connects all clients to one process, by its name', async () => {
    await using web = await startSocketApp({ sockets: { hall: { target: 'hall' } } })
    expect(await statusOf(web.url('hall'))).toBe(503)
    await web.app.app.run(async () => processes.withName('hall').spawn('app:hall', 'app:host'))
    const [ann, bob] = [await Client.open(web.url('hall')), await Client.open(web.url('hall'))]
    expect([await ann.ask('good evening'), await bob.next()]).toEqual(['good evening', 'good evening'])
    ann.close()
    await ann.closed
    expect(await bob.ask('is this on?')).toBe('is this on?')
  })
})

describe('the actor of a WebSocket', () => {
  const entries = [
    { id: 'app:tokens', kind: 'security.token_store', key: 'a key of more than thirty-two characters' },
    {
      id: 'app:connects',
      kind: 'security.policy',
      actions: 'http.endpoint.access',
      resources: 'app:whoami-socket',
      effect: 'allow',
    },
    { id: 'app:sends', kind: 'security.policy', actions: 'process.send', resources: '*', effect: 'allow' },
    { id: 'app:listens', kind: 'security.policy', actions: 'socket.listen', resources: '*', effect: 'allow' },
    { id: 'app:reads', kind: 'security.policy', actions: 'read', resources: '*', effect: 'allow' },
  ]
  const router = {
    middleware: ['token_auth', 'endpoint_firewall'],
    options: { token_auth: { store: 'app:tokens', query: 'token' } },
  }
  const issue = async (...policies: string[]) =>
    security.tokenStore('app:tokens').create({ actor: security.newActor('ann'), scope: security.newScope(policies) })

  it('applies in its process, by the token', async () => {
    await using web = await startSocketApp({ sockets: { whoami: {} }, router, entries })
    const scope = ['app:connects', 'app:sends', 'app:reads']
    const { token } = await issue(...scope)
    const client = await Client.open(`${web.url('whoami')}?token=${token}`)
    expect(JSON.parse(await client.next())).toEqual({ actor: { id: 'ann', meta: {} }, scope })
    expect([await client.ask('read'), await client.ask('write')]).toEqual(['true', 'false'])
  })

  it('is refused without a token, and if the policies deny access', async () => {
    await using web = await startSocketApp({ sockets: { whoami: {} }, router, entries })
    const { token } = await issue('app:sends')
    expect(await statusOf(web.url('whoami'))).toBe(401)
    expect(await statusOf(`${web.url('whoami')}?token=nonsense`)).toBe(401)
    expect(await statusOf(`${web.url('whoami')}?token=${token}`)).toBe(403)
    const { token: allowed } = await issue('app:connects')
    expect(await statusOf(web.url('whoami'), { headers: { authorization: `Bearer ${allowed}` } })).toBe(101)
  })

  it('is disconnected when the token is revoked', async () => {
    await using web = await startSocketApp({ sockets: { whoami: {} }, router, entries })
    const { id, token } = await issue('app:connects', 'app:sends')
    const client = await Client.open(`${web.url('whoami')}?token=${token}`)
    await client.next()
    expect(await security.tokenStore('app:tokens').revoke({ id })).toBe(1)
    expect(await client.closed).toEqual({ code: 1008, reason: 'its token was revoked' })
    expect(await statusOf(`${web.url('whoami')}?token=${token}`)).toBe(401)
  })

  it('is the service without a token, and stays so when policies change', async () => {
    const security = { actor: { id: 'web' }, policies: ['app:sends', 'app:listens', 'app:reads'] }
    const lifecycle = { auto_start: true, security }
    await using web = await startSocketApp({ sockets: { whoami: {} }, service: { lifecycle }, entries })
    const client = await Client.open(web.url('whoami'))
    expect(JSON.parse(await client.next())).toEqual({ actor: { id: 'web', meta: {} }, scope: security.policies })
    expect(await client.ask('read')).toBe('true')
    const reads = { id: 'app:reads', kind: 'security.policy', actions: 'write', resources: '*', effect: 'allow' }
    await registry.apply([{ op: 'update', entry: reads }])
    expect([await client.ask('read'), await client.ask('write')]).toEqual(['false', 'true'])
  })
})
