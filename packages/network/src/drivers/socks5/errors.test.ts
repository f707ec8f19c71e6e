import { TroupeError } from '@troupe/core'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dial } from '../../dial/dial.ts'
import { askLogin, failure, granted, greeting, login, route, target } from './testing/sample.ts'
import { answering, type Script, ScriptedProxy } from './testing/scripted-proxy.ts'

describe('failures', () => {
  const rude: Array<[name: string, script: Script, expected: object]> = [
    ['a wrong version', answering({ greeting: Buffer.from([4, 0]), reply: granted.ipv4 }), { stage: 'greeting' }],
    [
      'HTTP',
      async (socket, read) => void (await read(3), socket.end('HTTP/1.0 501 Tor is not an HTTP Proxy\r\n\r\n')),
      { stage: 'greeting' },
    ],
    [
      'no method',
      async (socket, read) => void (await read(3), socket.end(Buffer.from([5, 255]))),
      { stage: 'greeting', method: 255 },
    ],
    [
      'a method that was not offered',
      async (socket, read) => void (await read(3), socket.end(Buffer.from([5, 1]))),
      { method: 1 },
    ],
    ['a close at once', async (socket) => void socket.end(), { stage: 'greeting' }],
    [
      'a reset',
      async (socket, read) => void (await read(3), socket.resetAndDestroy()),
      { stage: 'greeting', code: 'ECONNRESET' },
    ],
    [
      'half a greeting',
      async (socket, read) => void (await read(3), socket.end(Buffer.from([5]))),
      { stage: 'greeting' },
    ],
    [
      'a refused login',
      answering({ greeting: askLogin, login: Buffer.from([1, 1]), reply: Buffer.alloc(0) }),
      { stage: 'login', loginStatus: 1 },
    ],
    [
      'a wrong version in the reply',
      answering({ greeting, reply: Buffer.from([4, 0, 0, 1, 0, 0, 0, 0, 0, 0]) }),
      { stage: 'request' },
    ],
    [
      'an address type of 0 in a success',
      answering({ greeting, reply: Buffer.from([5, 0, 0, 0, 0, 0, 0, 0, 0, 0]) }),
      { stage: 'request' },
    ],
    [
      'an address type of 0 in a refusal',
      answering({ greeting, reply: Buffer.from([5, 4, 0, 0, 0, 0, 0, 0, 0, 0]) }),
      { replyCode: 4 },
    ],
    [
      "a reply in place of the login's, as Tor sends it",
      answering({ greeting: askLogin, login: Buffer.from([5, 1, 0, 1, 0, 0, 0, 0, 0, 0]), reply: Buffer.alloc(0) }),
      { stage: 'login', replyCode: 1, reply: 'general failure' },
    ],
    [
      'another protocol in the login',
      answering({ greeting: askLogin, login: Buffer.from('HT'), reply: Buffer.alloc(0) }),
      { stage: 'login' },
    ],
    [
      'a reply before the request',
      async (socket, read) => void (await read(4), socket.write(Buffer.concat([greeting, granted.ipv4]))),
      { stage: 'greeting' },
    ],
    [
      'all answers before the login',
      async (socket, read) =>
        void (await read(2), socket.write(Buffer.from([5, 2, 1, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0]))),
      {},
    ],
  ]
  it.each(rude)('ends in Unavailable on %s', async (_name, script, details) => {
    await using proxy = await ScriptedProxy.start(script)
    const error = await failure(dial(route(proxy, { login }), target))
    expect(error).toMatchObject({
      kind: 'Unavailable',
      retryable: true,
      details: { overlay: 'app:proxy', target: 'example.test:80', ...details },
    })
    await proxy.deserted()
  })

  it.each([
    [1, '127.0.0.1', true],
    [1, '::1', true],
    [1, 'web.localhost', true],
    [1, 'example.test', false],
    [5, '127.0.0.1', false],
  ])('advises on reply code %i for %s, which is all that Tor replies for a private address: %s', async (...row) => {
    const [replyCode, host, advises] = row
    const reply = Buffer.from([5, replyCode, 0, 1, 0, 0, 0, 0, 0, 0])
    await using proxy = await ScriptedProxy.start(answering({ greeting, reply }))
    const error = await failure(dial(route(proxy), { host, port: 80 }))
    expect(error).toMatchObject({ kind: 'Unavailable', details: { replyCode } })
    expect(error.message.includes('Tor refuses private addresses')).toBe(advises)
  })

  it('ends in Unavailable wherever a reply is cut off', async () => {
    for (const reply of Object.values(granted)) {
      for (let length = 0; length < reply.length; length++) {
        const cut = answering({ greeting, reply: reply.subarray(0, length) })
        await using proxy = await ScriptedProxy.start(async (socket, read) => {
          await cut(socket, read)
          socket.end()
        })
        const error = await failure(dial(route(proxy), target))
        expect(error).toMatchObject({ kind: 'Unavailable', details: { stage: 'request', code: 'FIN' } })
      }
    }
  })

  it.each([
    [240, 'onion service descriptor not found'],
    [241, 'onion service descriptor invalid'],
    [242, 'onion service introduction failed'],
    [243, 'onion service rendezvous failed'],
    [244, 'onion service asks for client authorisation'],
    [245, 'onion service refused the client authorisation'],
    [246, 'not a valid onion address'],
    [247, 'onion service introduction timed out'],
  ])('reports Tor’s own code %d as: %s', async (code, words) => {
    await using proxy = await ScriptedProxy.start(
      answering({ greeting, reply: Buffer.from([5, code, 0, 1, 0, 0, 0, 0, 0, 0]) }),
    )
    const error = await failure(dial(route(proxy), target))
    expect(error).toMatchObject({ kind: 'Unavailable', retryable: true, details: { replyCode: code, reply: words } })
  })

  it('reports every reply code with its text, and describes 7 as not supported', async () => {
    const codes = fc.integer({ min: 1, max: 255 })
    await fc.assert(
      fc.asyncProperty(codes, fc.constantFrom(0, 1, 3, 4), async (code, addressType) => {
        await using proxy = await ScriptedProxy.start(
          answering({ greeting, reply: Buffer.from([5, code, 0, addressType, 0, 0, 0, 0, 0, 0]) }),
        )
        const error = await failure(dial(route(proxy), target))
        expect(error).toMatchObject({
          kind: code === 7 ? 'Invalid' : 'Unavailable',
          retryable: code !== 7,
          details: { replyCode: code },
        })
        expect(error.message).toContain(`answered ${code}, ${String(error.details['reply'])}`)
      }),
      { numRuns: 60 },
    )
  })

  it('never hangs, leaks the login or succeeds on noise', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 40 }), async (noise) => {
        await using proxy = await ScriptedProxy.start(async (socket) => void socket.end(noise))
        const outcome = await dial(route(proxy, { login }), target).catch((error: unknown) => error)
        if (outcome instanceof TroupeError) {
          expect(outcome.kind).toBe(outcome.details['replyCode'] === 7 ? 'Invalid' : 'Unavailable')
          expectNoSecret(outcome, proxy.port)
        } else {
          expect([noise[0], noise[1], noise[2], noise[3]]).toEqual([5, 0, 5, 0])
        }
      }),
      { numRuns: 200, examples: [[Uint8Array.from([5, 0, 5, 7, 0, 1, 0, 0, 0, 0, 0, 0])]] },
    )
  })

  it('reports a proxy that does not exist, without its address', async () => {
    const gone = await ScriptedProxy.start(async () => {})
    await gone[Symbol.asyncDispose]()
    const error = await failure(dial(route(gone, { login }), target))
    expect(error).toMatchObject({
      kind: 'Unavailable',
      retryable: true,
      details: { code: 'ECONNREFUSED', stage: 'connect' },
    })
    expectNoSecret(error, gone.port)
  })
})

describe('ending early', () => {
  const silent: Script = async () => {}
  const halfway: Script = async (socket, read) => void (await read(3), socket.write(greeting))

  it.each([
    ['never greets', silent],
    ['never replies', halfway],
  ])('times out on a proxy that %s', async (_name, script) => {
    await using proxy = await ScriptedProxy.start(script)
    const error = await failure(dial(route(proxy), target, { timeout: 50 }))
    expect(error).toMatchObject({ kind: 'Timeout', retryable: true, details: { timeout: 50 } })
    await proxy.deserted()
  })

  const timeouts = { connect: 5000, firstByte: 5000, handshake: 5000 }
  it.each([
    ['keeps silent from the beginning', silent, { firstByte: 30 }, 'first_byte_timeout', 'greeting'],
    ['greets and keeps silent', halfway, { handshake: 30, firstByte: 5000 }, 'handshake_timeout', 'request'],
  ])('names the limit for a proxy which %s', async (_name, script, change, limit, stage) => {
    await using proxy = await ScriptedProxy.start(script)
    const error = await failure(dial(route(proxy, { timeouts: { ...timeouts, ...change } }), target))
    expect(error).toMatchObject({ kind: 'Timeout', retryable: true, details: { limit, stage, timeout: 30 } })
    expect(error.message).toContain(`(${limit})`)
    await proxy.deserted()
  })

  it('recommends a setting for a proxy that does not accept everything in one write', async () => {
    await using proxy = await ScriptedProxy.start(halfway)
    const error = await failure(
      dial(route(proxy, { optimistic: true, timeouts: { ...timeouts, handshake: 30 } }), target),
    )
    expect(error.message).toContain('optimistic: false')
  })

  it('is cancelled before it begins', async () => {
    await using proxy = await ScriptedProxy.start(silent)
    const error = await failure(dial(route(proxy), target, { signal: AbortSignal.abort() }))
    expect(error).toMatchObject({ kind: 'Canceled', retryable: false })
    expect(proxy.open).toBe(0)
  })

  it('is cancelled while it connects', async () => {
    await using proxy = await ScriptedProxy.start(silent)
    const abort = new AbortController()
    const dialled = failure(dial(route(proxy), target, { signal: abort.signal }))
    abort.abort()
    expect((await dialled).kind).toBe('Canceled')
    await proxy.deserted()
  })

  it('is cancelled in the middle of the handshake, and closes the socket', async () => {
    await using proxy = await ScriptedProxy.start(silent)
    const abort = new AbortController()
    const connected = proxy.connected()
    const dialled = failure(dial(route(proxy), target, { signal: abort.signal }))
    await connected
    abort.abort()
    expect((await dialled).kind).toBe('Canceled')
    await proxy.deserted()
  })

  it('leaves an open connection alone when the signal aborts later', async () => {
    await using proxy = await ScriptedProxy.start(answering({ greeting, reply: granted.ipv4 }))
    const abort = new AbortController()
    const socket = await dial(route(proxy), target, { signal: abort.signal })
    abort.abort()
    expect(socket.destroyed).toBe(false)
    socket.destroy()
  })
})

function expectNoSecret(error: TroupeError, port: number): void {
  const text = `${error.message} ${error.stack} ${JSON.stringify(error.details)} ${String(error.cause)}`
  for (const secret of [login.username, login.password, `:${port}`]) expect(text).not.toContain(secret)
}
