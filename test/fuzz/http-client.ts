/**
 * Servers that send arbitrary responses: a request ends with a response or a TroupeError, in time, and the next one
 * gets its own response.
 */
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { brotliCompressSync, deflateRawSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { emptyFrame, fork, runInFrame, TroupeError } from '@troupe/core'
import { provideNetworkAccess } from '@troupe/network'
import { rebindThreadNetwork } from '@troupe/network/kernel'
import fc from 'fast-check'
import { cookieJar, http } from 'troupe'
import { z } from 'zod'
import { jsonTarget } from './lib/inputs.ts'

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
const answer = fc
  .array(piece, { minLength: 1, maxLength: 9 })
  .map((pieces) => Buffer.concat([latin1('HTTP/1.1 200 OK\r\n'), ...pieces]))

const good = 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\ngood'

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function settles(url: string): Promise<void> {
  try {
    const response = await http.get(url, {
      timeout: 500,
      redirect: 'manual',
      cookies: await cookieJar(),
      maxResponseBody: 1024 * 1024,
    })
    await response.arrayBuffer()
  } catch (error) {
    if (!(error instanceof TroupeError)) throw error
    if (error.kind === 'Internal' || error.kind === 'Unknown') throw error
  }
}

interface Peer {
  readonly origin: string
  says: Buffer
}

async function startPeer(): Promise<Peer> {
  provideNetworkAccess({ select: async () => {}, route: async () => Promise.reject(new Error('no overlay')) })
  rebindThreadNetwork({ overlay: null })
  const server = createServer((socket) => {
    socket
      .on('error', () => {})
      .on('data', (request) => {
        // A response without a length would otherwise last as long as the timeout.
        socket.end(request.includes('/good') ? good : peer.says)
      })
  })
  const peer: Peer = { origin: `http://127.0.0.1:${await listening(server)}`, says: latin1(good) }
  return peer
}

let started: Promise<Peer> | undefined

const target = jsonTarget({
  input: answer.map((bytes) => bytes.toString('latin1')),
  read: (saved) => z.string().parse(saved),
  check: async (text) => {
    // The process ends with the run.
    started ??= startPeer()
    const peer = await started
    peer.says = latin1(text)
    await runInFrame(fork(emptyFrame, { overlay: null }), async () => {
      await settles(`${peer.origin}/`)
      const next = await (await http.get(`${peer.origin}/good`)).text()
      if (next !== 'good') throw new Error(`the next request got ${JSON.stringify(next)}`)
    })
  },
})

export default target.fuzz
export const { replay } = target
