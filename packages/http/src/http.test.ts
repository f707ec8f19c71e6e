import { once } from 'node:events'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import type { TroupeError } from '@troupe/core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { inFrame, startApplication } from './testing/application.ts'
import { closedPort, type Handler, type Origin, startOrigin } from './testing/servers.ts'
import { closeHttpPools, http } from './index.ts'

const big = Buffer.alloc(1024 * 1024, 'x')

let stalled: Socket | undefined
let produced = 0
function* bigPieces() {
  for (; produced < 256; produced++) yield big
}

const handler: Handler = (request, response, body) => {
  const { pathname } = new URL(request.url ?? '/', 'http://origin')
  if (pathname === '/silent') return
  if (pathname === '/teapot')
    response.writeHead(
      418,
      'Short and stout',
      [
        ['x-one', '1'],
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2'],
      ].flat(),
    )
  if (pathname === '/999') response.writeHead(999)
  if (pathname === '/none') response.writeHead(204)
  if (pathname === '/torn') response.writeHead(200, { 'content-length': '100' })
  if (pathname === '/torn' || pathname === '/stalled') {
    response.write('half')
    stalled = request.socket
    if (pathname === '/torn') setImmediate(() => request.socket.destroy())
    return
  }
  if (pathname === '/garbage') {
    request.socket.end('this is not HTTP\r\n\r\n')
    return
  }
  if (pathname === '/big') {
    produced = 0
    Readable.from(bigPieces()).pipe(response)
    return
  }
  response.end(body)
}

let origin: Origin
const at = (path: string) => `http://127.0.0.1:${origin.port}${path}`
/** Runs in the explicitly selected clear network. */
const clear = <T>(fn: () => T) => inFrame({ overlay: null }, fn)
const failureOf = async (promise: Promise<unknown>): Promise<TroupeError> =>
  promise.then(
    () => expect.unreachable(),
    (error: unknown) => error as TroupeError,
  )

beforeAll(async () => {
  origin = await startOrigin(handler)
})
beforeEach(() => {
  startApplication()
  origin.seen.length = 0
})
afterAll(async () => {
  await closeHttpPools()
  await origin[Symbol.asyncDispose]()
})

describe('requests', () => {
  it('has a method for each verb', async () => {
    await clear(async () => {
      for (const verb of ['get', 'post', 'put', 'patch', 'delete', 'head'] as const) await http[verb](at('/'))
      await http.request('options', at('/'))
    })
    expect(origin.seen.map(({ method }) => method)).toEqual([
      'GET',
      'POST',
      'PUT',
      'PATCH',
      'DELETE',
      'HEAD',
      'OPTIONS',
    ])
  })

  it('adds a query to the one of the URL', async () => {
    await clear(() => http.get(at('/a?b=1#part'), { query: { c: 'x y', d: [1, true], e: null, f: undefined } }))
    await clear(() => http.get(at('/'), { query: new URLSearchParams('z=1&z=2') }))
    expect(origin.seen.map(({ url }) => url)).toEqual(['/a?b=1&c=x+y&d=1&d=true', '/?z=1&z=2'])
  })

  it('sends headers as objects, pairs and Headers', async () => {
    await clear(async () => {
      await http.get(at('/'), { headers: { 'X-One': '1', 'x-two': ['2', '3'], 'x-none': undefined } })
      await http.get(at('/'), { headers: [['x-one', '4']] })
      await http.get(at('/'), { headers: new Headers({ 'x-one': '5' }) })
    })
    expect(origin.seen.map(({ headers }) => [headers['x-one'], headers['x-two']])).toEqual([
      ['1', '2, 3'],
      ['4', undefined],
      ['5', undefined],
    ])
  })

  it('sends json, form, text and bytes with their types', async () => {
    await clear(async () => {
      await http.post(at('/'), { json: { a: [1, null] } })
      await http.post(at('/'), { json: null, headers: { 'content-type': 'application/problem+json' } })
      await http.post(at('/'), { form: { a: 'ä&b', c: [1, 2] } })
      await http.post(at('/'), { body: 'grüezi' })
      await http.post(at('/'), { body: Buffer.from('xbytesx').subarray(1, 6) })
    })
    expect(origin.seen.map(({ headers, body }) => [headers['content-type'], body])).toEqual([
      ['application/json', '{"a":[1,null]}'],
      ['application/problem+json', 'null'],
      ['application/x-www-form-urlencoded', 'a=%C3%A4%26b&c=1&c=2'],
      ['text/plain;charset=UTF-8', 'grüezi'],
      [undefined, 'bytes'],
    ])
  })

  it('sends credentials of the URL as Basic authentication', async () => {
    const response = await clear(() => http.get(at('/').replace('//', '//user:p%40ss@')))
    expect(origin.seen[0]?.headers.authorization).toBe(`Basic ${Buffer.from('user:p@ss').toString('base64')}`)
    expect(response.url).toBe(at('/'))
  })

  it.each([
    ['a generator', () => pieces('one ', 'two')],
    ['a Readable', () => Readable.from(['one ', Buffer.from('two')])],
    ['a ReadableStream', () => ReadableStream.from(['one ', 'two'])],
  ])('streams the body of %s', async (_name, body) => {
    const response = await clear(() => http.post(at('/'), { body: body() }))
    expect(await response.text()).toBe('one two')
    expect(origin.seen[0]?.headers['transfer-encoding']).toBe('chunked')
  })

  it('rejects with what the body stream threw', async () => {
    const body = (async function* () {
      yield 'one'
      throw new RangeError('out of paper')
    })()
    const error = await failureOf(clear(() => http.post(at('/'), { body })))
    expect(error).toMatchObject({ kind: 'Unknown', message: expect.stringContaining('out of paper') as string })
    expect(origin.seen).toEqual([])
  })

  it('reads a body stream in the context of its request, not of the connection', async () => {
    const { currentFrame } = await import('@troupe/core')
    const actors: (string | undefined)[] = []
    const body = async function* () {
      for (let n = 0; n < 3; n++) {
        await Promise.resolve()
        actors.push(currentFrame()?.actor?.id)
        yield 'x'
      }
    }
    const send = (id: string) =>
      inFrame({ overlay: null, actor: { id, meta: {} } }, () =>
        http.post(at('/'), { body: body() }).then((answer) => answer.text()),
      )
    await Promise.all([send('a'), send('b')])
    expect(actors.toSorted((a = '', b = '') => a.localeCompare(b))).toEqual(['a', 'a', 'a', 'b', 'b', 'b'])
  })
})

describe('responses', () => {
  it('are standard Responses, with any status', async () => {
    const response = await clear(() => http.get(at('/teapot?x=1')))
    expect(response).toBeInstanceOf(Response)
    expect(response).toMatchObject({
      status: 418,
      statusText: 'Short and stout',
      ok: false,
      url: at('/teapot?x=1'),
      redirected: false,
    })
    expect(response.headers.get('x-one')).toBe('1')
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
  })

  it('have no body where HTTP allows none', async () => {
    const [none, head] = await clear(() => Promise.all([http.get(at('/none')), http.head(at('/'))]))
    expect([none.body, head.body]).toEqual([null, null])
  })

  it('stream, with back-pressure while the body is not read', async () => {
    const response = await clear(() => http.get(at('/big'), { maxResponseBody: 256 * big.byteLength }))
    let before = 0
    const isStill = () => {
      const still = produced > 0 && produced === before
      before = produced
      return still
    }
    await expect.poll(isStill, { interval: 100 }).toBe(true)
    expect(produced).toBeLessThan(64)
    expect((await response.bytes()).byteLength).toBe(256 * big.byteLength)
  })

  it('keep the connection for the next request', async () => {
    await inFrame({ overlay: null, actor: { id: 'of its own', meta: {} } }, async () => {
      for (let n = 0; n < 3; n++) await (await http.get(at('/'))).text()
    })
    expect(new Set(origin.seen.map(({ port }) => port)).size).toBe(1)
  })

  it('end a body that is longer than allowed, announced or not', async () => {
    const streamed = await clear(() => http.get(at('/big'), { maxResponseBody: 100 }))
    await expect(streamed.text()).rejects.toMatchObject({ kind: 'Invalid', retryable: false })
    const announced = clear(() => http.post(at('/'), { body: 'x'.repeat(101), maxResponseBody: 100 }))
    await expect(announced).rejects.toMatchObject({ kind: 'Invalid', details: { maxResponseBody: 100 } })
    const fits = await clear(() => http.post(at('/'), { body: 'x'.repeat(100), maxResponseBody: 100 }))
    expect((await fits.text()).length).toBe(100)
  })

  it('error the stream when the connection breaks', async () => {
    const response = await clear(() => http.get(at('/torn')))
    await expect(response.text()).rejects.toMatchObject({
      kind: 'Unavailable',
      retryable: true,
      details: { url: at('/torn') },
    })
  })

  it('can be canceled when the last byte has arrived', async () => {
    for (let n = 0; n < 3; n++) {
      const response = await clear(() => http.post(at('/'), { body: 'x' }))
      await response.body?.cancel()
    }
    expect(await (await clear(() => http.post(at('/'), { body: 'x' }))).text()).toBe('x')
  })

  it('close the connection of a canceled body', async () => {
    const response = await clear(() => http.get(at('/stalled')))
    const socket = stalled
    if (socket === undefined) expect.unreachable()
    await Promise.all([once(socket, 'close'), response.body?.cancel()])
    expect(socket.destroyed).toBe(true)
  })
})

describe('ending a request', () => {
  it.each([
    ['milliseconds', 20],
    ['a duration', '20ms'],
  ])('waits for the head for the timeout, in %s', async (_name, timeout) => {
    const error = await failureOf(clear(() => http.get(at('/silent'), { timeout })))
    expect(error).toMatchObject({
      kind: 'Timeout',
      retryable: true,
      details: { method: 'GET', url: at('/silent'), overlay: null },
    })
    expect(error.message).toContain('within 20ms')
  })

  it('waits for each piece of the body for the timeout', async () => {
    const response = await clear(() => http.get(at('/stalled'), { timeout: 100 }))
    await expect(response.text()).rejects.toMatchObject({ kind: 'Timeout' })
  })

  it('ends at the deadline of the frame, head or body', async () => {
    const soon = <T>(fn: () => T) => inFrame({ overlay: null, deadline: Date.now() + 100 }, fn)
    await expect(soon(() => http.get(at('/silent')))).rejects.toMatchObject({ kind: 'Timeout' })
    const response = await soon(() => http.get(at('/stalled')))
    await expect(response.text()).rejects.toMatchObject({ kind: 'Timeout' })
  })

  it('sends nothing after the deadline', async () => {
    const late = inFrame({ overlay: null, deadline: Date.now() - 1 }, () => http.get(at('/')))
    await expect(late).rejects.toMatchObject({ kind: 'Timeout' })
    expect(origin.seen).toEqual([])
  })

  it('ends with the signal, before, during and after the head', async () => {
    const why = new Error('no longer wanted')
    await expect(clear(() => http.get(at('/'), { signal: AbortSignal.abort(why) }))).rejects.toMatchObject({
      kind: 'Canceled',
    })
    expect(origin.seen).toEqual([])

    const during = new AbortController()
    const silent = failureOf(clear(() => http.get(at('/silent'), { signal: during.signal })))
    await expect.poll(() => origin.seen.length).toBe(1)
    during.abort(why)
    expect(await silent).toMatchObject({ kind: 'Canceled', retryable: false, cause: { cause: why } })

    const after = new AbortController()
    const response = await clear(() => http.get(at('/stalled'), { signal: after.signal }))
    after.abort()
    await expect(response.text()).rejects.toMatchObject({ kind: 'Canceled' })
  })

  it('names the cause of a refused connection', async () => {
    const error = await failureOf(clear(() => http.get(`http://127.0.0.1:${closedPort}/path?token=secret`)))
    expect(error).toMatchObject({
      kind: 'Unavailable',
      retryable: true,
      details: { code: 'ECONNREFUSED', overlay: null },
    })
    expect(error.message).toContain(`GET http://127.0.0.1:${closedPort}/path in the clear`)
    expect(JSON.stringify([error.message, error.details])).not.toContain('secret')
  })

  it('does not take data that is not HTTP for a response', async () => {
    await expect(clear(() => http.get(at('/999')))).rejects.toMatchObject({ kind: 'Unavailable', retryable: false })
    await expect(clear(() => http.get(at('/garbage')))).rejects.toMatchObject({ kind: 'Unavailable', retryable: false })
  })
})

async function* pieces(...list: string[]) {
  for (const each of list) yield await Promise.resolve(each)
}
