/** Servers that answer anything: a request ends with an answer or a TroupeError, in time, and the next one gets its own answer. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { brotliCompressSync, deflateRawSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { emptyFrame, fork, runInFrame, TroupeError } from '@troupe/core'
import { provideNetworkAccess } from '@troupe/network'
import { rebindThreadNetwork } from '@troupe/network/kernel'
import fc from 'fast-check'
import { cookieJar, http } from 'troupe'

const body = fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes))
const encoded = fc
  .tuple(body, fc.constantFrom(gzipSync, brotliCompressSync, zstdCompressSync, deflateRawSync))
  .map(([bytes, encode]) => encode(bytes))
const latin1 = (text: string) => Buffer.from(text, 'latin1')
const piece = fc.oneof(
  fc
    .constantFrom(
      'HTTP/1.1 200 OK\r\n',
      'HTTP/1.1 204 No Content\r\n',
      'HTTP/1.1 302 Found\r\n',
      'HTTP/1.1 103 Early Hints\r\n\r\n',
      'HTTP/1.0 200\r\n',
    )
    .map(latin1),
  fc
    .constantFrom(
      'content-length: 5\r\n',
      'content-length: 0\r\n',
      'transfer-encoding: chunked\r\n',
      'connection: close\r\n',
      'set-cookie: a=b\r\n',
    )
    .map(latin1),
  fc
    .constantFrom(
      'content-encoding: gzip\r\n',
      'content-encoding: br\r\n',
      'content-encoding: zstd\r\n',
      'content-encoding: deflate, gzip\r\n',
    )
    .map(latin1),
  fc
    .constantFrom(
      'location: /next\r\n',
      'location: http://[\r\n',
      'retry-after: 0\r\n',
      '\r\n',
      '\r\n\r\n',
      '5\r\nhello\r\n',
      '0\r\n\r\n',
      'ffffff\r\n',
    )
    .map(latin1),
  body,
  encoded,
)
const answer = fc.array(piece, { minLength: 1, maxLength: 9 }).map((pieces) => Buffer.concat([latin1('HTTP/1.1 200 OK\r\n'), ...pieces]))

const good = 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\ngood'

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function settles(url: string): Promise<void> {
  try {
    const response = await http.get(url, { timeout: 500, redirect: 'manual', cookies: await cookieJar(), maxResponseBody: 1024 * 1024 })
    await response.arrayBuffer()
  } catch (error) {
    if (!(error instanceof TroupeError)) throw error
    if (error.kind === 'Internal' || error.kind === 'Unknown') throw error
  }
}

/** Runs for about that long. @throws what breaks a rule, with the seed by which it is found again. */
export default async function fuzz(seconds: number, seed: number): Promise<{ runs: number }> {
  provideNetworkAccess({ select: async () => {}, route: async () => Promise.reject(new Error('no overlay')) })
  let says: Buffer = latin1(good)
  const server = createServer((socket) => {
    socket
      .on('error', () => {})
      .on('data', (request) => {
        if (request.includes('/good')) socket.end(good)
        // Half of them end: what has no length would otherwise last for as long as the timeout.
        else socket.end(says)
      })
  })
  const origin = `http://127.0.0.1:${await listening(server)}`
  let runs = 0
  const property = fc.asyncProperty(answer, async (bytes) => {
    runs += 1
    says = bytes
    await settles(`${origin}/`)
    const next = await (await http.get(`${origin}/good`)).text()
    if (next !== 'good') throw new Error(`the next request got ${JSON.stringify(next)}`)
  })
  rebindThreadNetwork({ overlay: null })
  try {
    await runInFrame(fork(emptyFrame, { overlay: null }), async () =>
      fc.assert(property, {
        seed,
        numRuns: Number.MAX_SAFE_INTEGER,
        plugins: [fc.interruptAfterTimeLimit(seconds * 1000, { failOnInterrupt: false })],
      }),
    )
  } finally {
    server.close()
  }
  return { runs }
}
