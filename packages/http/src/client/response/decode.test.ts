import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { inFrame, startApplication } from '../../testing/application.ts'
import { type Handler, type Origin, startHttp2Origin, startOrigin } from '../../testing/servers.ts'
import { closeHttpPools, http, type RequestOptions } from '../../index.ts'

const encoders = {
  gzip: gzipSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
  deflate: deflateSync,
  raw: deflateRawSync,
}
type Coding = keyof typeof encoders
const codings = Object.keys(encoders) as Coding[]
const nameOf = (coding: Coding) => (coding === 'raw' ? 'deflate' : coding)

let answer: Handler = (_request, response) => void response.end()
let origin: Origin
const get = (options?: RequestOptions) =>
  inFrame({ overlay: null }, () => http.get(`http://127.0.0.1:${origin.port}/`, options))
const sends = (bytes: Buffer, coding: string, headers: Record<string, string> = {}) => {
  answer = (_request, response) => void response.writeHead(200, { 'content-encoding': coding, ...headers }).end(bytes)
}
const coded = (bytes: Buffer, layers: readonly Coding[]) =>
  layers.reduce((body, coding) => encoders[coding](body), bytes)

beforeAll(async () => {
  origin = await startOrigin((request, response, body) => answer(request, response, body))
})
beforeEach(() => {
  startApplication()
  origin.seen.length = 0
})
afterAll(async () => {
  await closeHttpPools()
  await origin[Symbol.asyncDispose]()
})

describe('a coded body', () => {
  it('is requested and decoded, for any codings', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 40_000 }),
        fc.array(fc.constantFrom(...codings), { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        async (bytes, layers, stream) => {
          sends(coded(Buffer.from(bytes), layers), layers.map(nameOf).join(', '))
          const response = await get({ stream })
          expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true)
          expect([response.headers.has('content-encoding'), response.headers.has('content-length')]).toEqual([
            false,
            false,
          ])
        },
      ),
      { numRuns: 60 },
    )
    expect(origin.seen[0]?.headers['accept-encoding']).toBe('gzip, br, zstd, deflate')
  })

  it.each(codings)('is decoded as it arrives: %s', async (coding) => {
    const text = Buffer.from(Array.from({ length: 50_000 }, (_each, index) => `${index} `).join(''))
    const bytes = encoders[coding](text)
    answer = (_request, response) => {
      response.writeHead(200, { 'content-encoding': nameOf(coding) }).write(bytes.subarray(0, 1))
      setImmediate(() => {
        response.write(bytes.subarray(1, 1000))
        setImmediate(() => response.end(bytes.subarray(1000)))
      })
    }
    expect(await (await get()).text()).toBe(text.toString())
  })

  it('may start a new frame in the middle', async () => {
    const [one, two] = [Buffer.alloc(70_000, 'one'), Buffer.alloc(300, 'two')]
    for (const coding of ['gzip', 'zstd'] as const) {
      sends(
        Buffer.concat([
          encoders[coding](one),
          encoders[coding](two),
          encoders[coding](Buffer.alloc(0)),
          encoders[coding](two),
        ]),
        coding,
      )
      expect(await (await get()).text()).toBe(`${one.toString()}${two.toString()}${two.toString()}`)
    }
  })

  it.each(codings)('may be empty: %s', async (coding) => {
    sends(Buffer.alloc(0), nameOf(coding), { 'content-length': '0' })
    expect(await (await get()).text()).toBe('')
    answer = (_request, response) => {
      response.writeHead(200, { 'content-encoding': nameOf(coding) }).flushHeaders()
      setImmediate(() => response.end())
    }
    expect(await (await get({ stream: true })).text()).toBe('')
  })

  it('is not expected where HTTP has no body', async () => {
    for (const status of [204, 304]) {
      answer = (_request, response) => void response.writeHead(status, { 'content-encoding': 'gzip' }).end()
      const response = await get()
      expect([response.status, response.body, response.headers.get('content-encoding')]).toEqual([status, null, 'gzip'])
    }
    answer = (_request, response) =>
      void response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': 10 }).end()
    const head = await inFrame({ overlay: null }, () => http.head(`http://127.0.0.1:${origin.port}/`))
    expect([await head.text(), head.headers.get('content-length')]).toEqual(['', '10'])
  })

  it('is left undecoded on request, in part responses, and with unknown codings', async () => {
    const bytes = gzipSync('text')
    sends(bytes, 'gzip')
    const plain = await get({ decompress: false })
    expect(Buffer.from(await plain.arrayBuffer())).toEqual(bytes)
    expect(plain.headers.get('content-encoding')).toBe('gzip')
    expect(origin.seen[0]?.headers).not.toHaveProperty('accept-encoding')
    sends(bytes, 'gzip, compress')
    expect(Buffer.from(await (await get()).arrayBuffer())).toEqual(bytes)
    answer = (_request, response) => void response.writeHead(206, { 'content-encoding': 'gzip' }).end(bytes.subarray(3))
    expect((await (await get({ headers: { range: 'bytes=3-' } })).arrayBuffer()).byteLength).toBe(bytes.length - 3)
    expect(origin.seen.at(-1)?.headers['accept-encoding']).toBe('identity')
  })

  it.each([...codings, 'wrong'] as const)('that is truncated or wrong fails with the body: %s', async (coding) => {
    const whole =
      coding === 'wrong'
        ? Buffer.from('no gzip at all')
        : encoders[coding](Buffer.from(Array.from({ length: 9000 }, String).join()))
    for (const stream of [false, true]) {
      const name = coding === 'wrong' ? 'gzip' : nameOf(coding)
      const bytes = coding === 'wrong' ? whole : whole.subarray(0, whole.length - 20)
      sends(bytes, name)
      const response = await get({ stream })
      expect(response.status).toBe(200)
      await expect(response.text()).rejects.toMatchObject({
        kind: 'Unavailable',
        retryable: false,
        message: expect.stringMatching(`is not valid ${name}`) as string,
        details: { url: `http://127.0.0.1:${origin.port}/` },
      })
    }
  })

  it('is limited in size, in growth and in codings', async () => {
    const zeros = (megabytes: number) => Buffer.alloc(megabytes * 1024 * 1024)
    for (const coding of codings) {
      sends(encoders[coding](zeros(4)), nameOf(coding))
      await expect((await get({ maxResponseBody: 1024 * 1024 })).text()).rejects.toMatchObject({
        kind: 'Invalid',
        details: { maxResponseBody: 1024 * 1024 },
      })
      expect((await (await get()).arrayBuffer()).byteLength).toBe(4 * 1024 * 1024)
      sends(encoders[coding](zeros(40)), nameOf(coding))
      await expect((await get({ stream: true })).text()).rejects.toMatchObject({
        kind: 'Invalid',
        message: expect.stringContaining('250 times') as string,
      })
    }
    sends(gzipSync(gzipSync(zeros(40))), 'gzip, gzip')
    await expect((await get({ stream: true })).text()).rejects.toMatchObject({ kind: 'Invalid' })
    sends(Buffer.from('x'), Array.from({ length: 6 }, () => 'gzip').join())
    await expect(get()).rejects.toMatchObject({
      kind: 'Unavailable',
      message: expect.stringContaining('6 codings') as string,
    })
  })

  it('holds the server back, and releases the connection when it is canceled', async () => {
    const piece = gzipSync(Buffer.from(Array.from({ length: 20_000 }, () => Math.random()).join()))
    let closed: Promise<unknown> | undefined
    let written = 0
    answer = (request, response) => {
      closed = new Promise((resolve) => request.socket.once('close', resolve))
      response.writeHead(200, { 'content-encoding': 'gzip' })
      const more = () => {
        while (!response.destroyed && response.write(piece)) written += 1
        if (!response.destroyed) response.once('drain', more)
      }
      more()
    }
    const response = await get({ stream: true })
    const reader = response.body?.getReader()
    expect((await reader?.read())?.done).toBe(false)
    await reader?.cancel()
    await closed
    expect(written).toBeLessThan(1000)
  })

  it('ends with the signal, in the middle', async () => {
    answer = (_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' })
      response.write(gzipSync('some of it'))
    }
    const abort = new AbortController()
    const response = await get({ signal: abort.signal })
    const reader = response.body?.getReader()
    expect((await reader?.read())?.done).toBe(false)
    abort.abort()
    await expect(reader?.read()).rejects.toMatchObject({ kind: 'Canceled' })
  })
})

it('works over HTTP/2 too', async () => {
  await using two = await startHttp2Origin()
  await inFrame({ overlay: null }, () =>
    http.get(`https://localhost:${two.port}/`, { tls: { insecureSkipVerify: true } }),
  )
  expect(two.seen[0]?.headers['accept-encoding']).toBe('gzip, br, zstd, deflate')
})
