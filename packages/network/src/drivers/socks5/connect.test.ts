import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { connect as connectTls, createServer } from 'node:tls'
import { entryId } from '@troupe/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { dial } from '../../dial/dial.ts'
import { askLogin, failure, granted, greeting, isolate, login, loginTaken, route, target } from './testing/sample.ts'
import { answering, readRequest, ScriptedProxy } from './testing/scripted-proxy.ts'

async function firstBytes(socket: Socket, count: number): Promise<Buffer> {
  let all = Buffer.alloc(0)
  while (all.length < count) {
    const chunk = await new Promise<Buffer>((resolve) => socket.once('data', resolve))
    all = Buffer.concat([all, chunk])
  }
  return all
}

describe('the handshake', () => {
  const shapes = Object.entries(granted).flatMap(([type, reply]) => [
    { name: `a reply with ${type}`, answers: { greeting, reply }, config: {} },
    {
      name: `a login and a reply with ${type}`,
      answers: { greeting: askLogin, login: loginTaken, reply },
      config: { login },
    },
  ])
  it.each(shapes)(
    'understands $name in pieces of any size, and loses no bytes behind it',
    async ({ answers, config }) => {
      for (let split = 1; split <= answers.reply.length + 5; split++) {
        const reply = Buffer.concat([answers.reply, Buffer.from('hello')])
        await using proxy = await ScriptedProxy.start(answering({ ...answers, reply }, split))
        const socket = await dial(route(proxy, config), target)
        expect(String(await firstBytes(socket, 5))).toBe('hello')
        socket.destroy()
      }
    },
  )

  it.each(shapes)('in one write understands $name in pieces of any size too', async ({ answers, config }) => {
    for (let split = 1; split <= answers.reply.length + 5; split++) {
      const reply = Buffer.concat([answers.reply, Buffer.from('hello')])
      const all = Buffer.concat([answers.greeting, answers.login ?? Buffer.alloc(0), reply])
      await using proxy = await ScriptedProxy.start(async (socket, read) => {
        await read('login' in config ? 3 + 3 + login.username.length + login.password.length : 3)
        expect(await readRequest(read)).toMatchObject({ address: Buffer.from(target.host), port: target.port })
        for (let at = 0; at < all.length; at += split) {
          socket.write(all.subarray(at, at + split))
          await new Promise(setImmediate)
        }
      })
      const socket = await dial(route(proxy, { ...config, optimistic: true }), target)
      expect(String(await firstBytes(socket, 5))).toBe('hello')
      socket.destroy()
    }
  })

  it('does not report an end that came with the reply before a listener is attached', async () => {
    const speak = answering({ greeting, reply: granted.ipv4 })
    await using proxy = await ScriptedProxy.start(async (socket, read) => {
      await speak(socket, read)
      socket.end()
    })
    const socket = await dial(route(proxy), target)
    await new Promise(setImmediate)
    socket.resume()
    expect(await once(socket, 'end')).toEqual([])
  })

  it('reaches a proxy on a Unix socket', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'troupe-socks5-'))
    const path = join(folder, 'proxy')
    await using proxy = await ScriptedProxy.start(
      answering({ greeting, reply: Buffer.concat([granted.ipv4, Buffer.from('hello')]) }),
      path,
    )
    const socket = await dial({ ...route(proxy), config: { proxies: [{ host: `unix:${path}` }] } }, target)
    expect(String(await firstBytes(socket, 5))).toBe('hello')
    socket.destroy()
    const gone = failure(dial({ ...route(proxy), config: { proxies: [{ host: `unix:${path}.gone` }] } }, target))
    expect(await gone).toMatchObject({ kind: 'Unavailable', details: { code: 'ENOENT', stage: 'connect' } })
    expect((await gone).message).not.toContain(folder)
    await rm(folder, { recursive: true })
  })

  it('returns a socket in its initial state: not read from, no listeners, no delay', async () => {
    await using proxy = await ScriptedProxy.start(
      answering({ greeting, reply: Buffer.concat([granted.ipv4, Buffer.from('early')]) }),
    )
    const plain = connect(proxy.port, '127.0.0.1')
    await once(plain, 'connect')
    const usual = plain.eventNames()
    const socket = await dial(route(proxy), target)
    // Long enough for anything that `socks` does a turn after its success.
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
    expect(socket.readableFlowing).not.toBe(true)
    expect(socket.eventNames()).toEqual(usual)
    for (const event of usual) expect(socket.listenerCount(event)).toBe(plain.listenerCount(event))
    expect(String(await firstBytes(socket, 5))).toBe('early')
    socket.destroy()
    plain.destroy()
  })

  it('returns a socket that TLS works on', async () => {
    const psk = { ciphers: 'PSK-AES128-GCM-SHA256', maxVersion: 'TLSv1.2', minVersion: 'TLSv1.2' } as const
    const key = Buffer.alloc(16, 1)
    const speak = answering({ greeting, reply: granted.ipv4 })
    await using proxy = await ScriptedProxy.start(async (socket, read) => {
      await speak(socket, read)
      createServer({ ...psk, pskCallback: () => key }, (secure) => secure.end('over TLS')).emit('connection', socket)
    })
    const socket = await dial(route(proxy), target)
    const secure = connectTls({
      socket,
      ...psk,
      pskCallback: () => ({ psk: key, identity: 'test' }),
      checkServerIdentity: () => undefined,
    })
    expect(await text(secure)).toBe('over TLS')
  })

  it('offers a login only if there is one, and sends it unchanged', async () => {
    await using plain = await ScriptedProxy.start(answering({ greeting, reply: granted.ipv4 }))
    ;(await dial(route(plain), target)).destroy()
    expect(Buffer.concat(plain.heard.slice(0, 2))).toEqual(Buffer.from([5, 1, 0]))

    await using asking = await ScriptedProxy.start(
      answering({ greeting: askLogin, login: loginTaken, reply: granted.ipv4 }),
    )
    const long = { username: 'ü'.repeat(127), password: 'p'.repeat(255) }
    ;(await dial(route(asking, { login: long }), target)).destroy()
    const heard = asking.heard.map(String)
    expect(heard).toContain(long.username)
    expect(heard).toContain(long.password)
  })

  it('isolates streams by new credentials, in place of the configured ones', async () => {
    await using proxy = await ScriptedProxy.start(
      answering({ greeting: askLogin, login: loginTaken, reply: granted.ipv4 }),
    )
    const seen = new Set<string>()
    for (let n = 0; n < 3; n++) {
      proxy.heard.length = 0
      ;(await dial(route(proxy, { login, isolate }), target)).destroy()
      const [, , , username, , password] = proxy.heard.map(String)
      seen.add(username ?? '').add(password ?? '')
    }
    expect(seen.size).toBe(6)
    expect(seen).not.toContain(login.username)
  })

  it.each([
    ['takes no login', { greeting }],
    ['accepts none of the methods offered', { greeting: Buffer.from([5, 255]) }],
    ['knows other logins', { greeting: askLogin, login: Buffer.from([1, 1]) }],
  ])('reports as final that a proxy cannot isolate which %s', async (_what, answers) => {
    await using proxy = await ScriptedProxy.start(answering({ ...answers, reply: granted.ipv4 }))
    const error = await failure(dial(route(proxy, { isolate }), target))
    expect(error).toMatchObject({ kind: 'Unavailable', retryable: false })
    expect(error.message).toMatch(
      /Troupe makes up a login .+ so it cannot isolate: take isolate and isolate_streams out/,
    )
  })
})

describe('the target', () => {
  const asked = async (host: string) => {
    const requests: Array<Awaited<ReturnType<typeof readRequest>>> = []
    await using proxy = await ScriptedProxy.start(async (socket, read) => {
      await read(3)
      socket.write(greeting)
      requests.push(await readRequest(read))
      socket.write(granted.ipv4)
    })
    ;(await dial(route(proxy), { host, port: 8443 })).destroy()
    return requests[0]
  }

  it.each([
    ['example.test', 'example.test'],
    ['localhost', 'localhost'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['日本語.test', 'xn--wgv71a119e.test'],
    ['_srv.a_b.test', '_srv.a_b.test'],
    ['a'.repeat(255), 'a'.repeat(255)],
    ['127.1', '127.1'],
  ])('sends the name %s as a name', async (host, sent) => {
    expect(await asked(host)).toEqual({ addressType: 3, address: Buffer.from(sent), port: 8443 })
  })

  it.each([
    ['192.0.2.7', 1, 'c0000207'],
    ['2001:db8::1', 4, '20010db8000000000000000000000001'],
    ['::1', 4, '00000000000000000000000000000001'],
    ['::ffff:192.0.2.7', 4, '00000000000000000000ffffc0000207'],
    ['0:0:0:0:0:0:0:0', 4, '00000000000000000000000000000000'],
  ])('sends the address %s as an address', async (host, addressType, hex) => {
    expect(await asked(host)).toEqual({ addressType, address: Buffer.from(hex, 'hex'), port: 8443 })
  })

  it.each([
    ['', 80],
    ['a'.repeat(256), 80],
    ['ü'.repeat(255), 80],
    ['user@host', 80],
    ['host/path', 80],
    ['two words', 80],
    ['[::1]', 80],
    ['fe80::1%eth0', 80],
    ['nul\0.test', 80],
    ['ok.test', 0],
    ['ok.test', 65_536],
    ['ok.test', 1.5],
    ['ok.test', Number.NaN],
  ])('refuses %j port %d before anything is sent', async (host, port) => {
    const error = await failure(dial(route({ port: 9 }), { host, port }))
    expect(error).toMatchObject({ kind: 'Invalid', retryable: false })
  })
})

it('has no driver of another name', async () => {
  const error = await failure(dial({ ...route({ port: 1 }), driver: 'pigeon' }, target))
  expect(error.kind).toBe('Internal')
  expect(error.message).toContain('"pigeon"')
})

it('sends the handshakes of a chain together, where both proxies take everything in one write', async () => {
  const said: Buffer[] = []
  const both = await ScriptedProxy.start(async (socket, read) => {
    await read(3)
    await readRequest(read)
    // Neither proxy has replied yet.
    said.push(await read(3), (await readRequest(read)).address)
    socket.write(Buffer.concat([greeting, granted.ipv4, greeting, granted.name, Buffer.from('hello')]))
  })
  onTestFinished(async () => both[Symbol.asyncDispose]())
  const via = { ...route(both, { optimistic: true }), overlay: entryId('app:hop') }
  const socket = await dial(route({ port: 1 }, { optimistic: true, via }), target)
  expect(String(await firstBytes(socket, 5))).toBe('hello')
  expect(said).toEqual([Buffer.from([5, 1, 0]), Buffer.from(target.host)])
  socket.destroy()
})

it.each([
  ['the first', true, false],
  ['the second', false, true],
])('waits for a reply in a chain where only %s proxy takes everything in one write', async (_which, first, second) => {
  const both = await ScriptedProxy.start(async (socket, read) => {
    for (const isOneWrite of [first, second]) {
      await read(3)
      if (!isOneWrite) socket.write(greeting)
      await readRequest(read)
      socket.write(isOneWrite ? Buffer.concat([greeting, granted.ipv4]) : granted.ipv4)
    }
    socket.write('hello')
  })
  onTestFinished(async () => both[Symbol.asyncDispose]())
  const via = { ...route(both, { optimistic: first }), overlay: entryId('app:hop') }
  const socket = await dial(route({ port: 1 }, { optimistic: second, via }), target)
  expect(String(await firstBytes(socket, 5))).toBe('hello')
  socket.destroy()
})

it('tries the next proxy of the first overlay with the handshake of the second', async () => {
  const broken = await ScriptedProxy.start(async (socket, read) => {
    await read(3)
    socket.destroy()
  })
  const both = await ScriptedProxy.start(async (socket, read) => {
    await read(3)
    await readRequest(read)
    await read(3)
    await readRequest(read)
    socket.write(Buffer.concat([greeting, granted.ipv4, greeting, granted.ipv4]))
  })
  onTestFinished(async () => {
    for (const proxy of [broken, both]) await proxy[Symbol.asyncDispose]()
  })
  const proxies = [broken, both].map(({ port }) => ({ host: '127.0.0.1', port }))
  const via = { ...route({ port: 1 }), overlay: entryId('app:hops'), config: { proxies, optimistic: true } }
  const socket = await dial(route({ port: 1 }, { optimistic: true, via }), target)
  expect(socket.readableLength).toBe(0)
  socket.destroy()
})
