import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { inFrame, startApplication } from '../testing/application.ts'
import { type Origin, startOrigin } from '../testing/servers.ts'
import { closeHttpPools, type FilePart, http } from '../index.ts'

let origin: Origin
let folder: string
const at = (path = '/') => `http://127.0.0.1:${origin.port}${path}`
const clear = <T>(fn: () => T) => inFrame({ overlay: null }, fn)

beforeAll(async () => {
  origin = await startOrigin((request, response, body) => {
    const to = new URL(request.url ?? '/', 'http://origin').searchParams.get('to')
    if (to !== null) response.writeHead(307, { location: to })
    response.end(body)
  })
  folder = await mkdtemp(join(tmpdir(), 'troupe-files-'))
  await writeFile(join(folder, 'notes.txt'), 'from a file')
  await writeFile(join(folder, 'empty'), '')
})
beforeEach(() => {
  startApplication()
  origin.seen.length = 0
})
afterAll(async () => {
  await closeHttpPools()
  await origin[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

async function* pieces(...list: string[]) {
  for (const each of list) yield await Promise.resolve(each)
}

/** The form that the server received, read by the platform's own parser: name, file name, type, content. */
async function arrived(index = 0) {
  const { headers, body = '' } = origin.seen[index] ?? {}
  const type = headers?.['content-type'] ?? ''
  // oxlint-disable-next-line typescript/no-deprecated -- A test trusts its own server.
  const form = await new Response(body, { headers: { 'content-type': type } }).formData()
  const parts: unknown[] = []
  for (const [name, value] of form)
    parts.push(typeof value === 'string' ? [name, value] : [name, value.name, value.type, await value.text()])
  return parts
}

describe('files', () => {
  it('are parts of a form, from bytes, text, Blobs, files and streams, with their length', async () => {
    await clear(() =>
      http.post(at(), {
        form: { title: 'grüezi', tag: ['a', 'b'] },
        files: [
          { name: 'bytes', filename: 'b.bin', content: Buffer.from('xbytesx').subarray(1, 6) },
          { name: 'text', content: 'some text' },
          { name: 'blob', filename: 'c.json', content: new Blob(['{}'], { type: 'application/json' }) },
          { name: 'file', content: new File(['inside'], 'named.txt', { type: 'text/plain' }) },
          { name: 'path', path: join(folder, 'notes.txt'), type: 'text/x-notes' },
          { name: 'path', path: join(folder, 'empty') },
          { name: 'stream', filename: 's', content: pieces('one ', 'two'), length: 7 },
        ],
      }),
    )
    expect(await arrived()).toEqual([
      ['title', 'grüezi'],
      ['tag', 'a'],
      ['tag', 'b'],
      ['bytes', 'b.bin', 'application/octet-stream', 'bytes'],
      ['text', 'some text'],
      ['blob', 'c.json', 'application/json', '{}'],
      ['file', 'named.txt', 'text/plain', 'inside'],
      ['path', 'notes.txt', 'text/x-notes', 'from a file'],
      ['path', 'empty', 'application/octet-stream', ''],
      ['stream', 's', 'application/octet-stream', 'one two'],
    ])
    const [seen] = origin.seen
    expect(seen?.headers['content-length']).toBe(String(Buffer.byteLength(seen?.body ?? '')))
  })

  it('are sent in chunks if a length is unknown', async () => {
    await clear(() => http.post(at(), { files: [{ name: 'stream', filename: 's', content: pieces('one ', 'two') }] }))
    expect(await arrived()).toEqual([['stream', 's', 'application/octet-stream', 'one two']])
    expect(origin.seen[0]?.headers).toMatchObject({ 'transfer-encoding': 'chunked' })
  })

  it('have names that cannot break the header', async () => {
    const name = 'a"\r\ncontent-type: text/html\r\n\r\nb'
    await clear(() => http.post(at(), { files: [{ name, filename: name, content: 'x' }] }))
    const [seen] = origin.seen
    const quoted = name.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
    expect(seen?.body.split('\r\n')[1]).toBe(`content-disposition: form-data; name="${quoted}"; filename="${quoted}"`)
  })

  it('are sent again after a redirect, except streams', async () => {
    const files: FilePart[] = [
      { name: 'path', path: join(folder, 'notes.txt') },
      { name: 'blob', filename: 'b', content: new Blob(['again']) },
    ]
    await clear(() => http.post(at('/?to=/there'), { files }))
    expect(await arrived(1)).toEqual(await arrived(0))
    expect(origin.seen.map(({ url }) => url)).toEqual(['/?to=/there', '/there'])
    const once = clear(() =>
      http.post(at('/?to=/there'), { files: [...files, { name: 'stream', content: pieces('x') }] }),
    )
    await expect(once).rejects.toMatchObject({ kind: 'Invalid' })
  })

  it.each([
    ['does not exist', 'nowhere', 'ENOENT'],
    ['is a folder', '.', 'not a file'],
  ])('that %s end the request before anything is sent', async (_what, name, words) => {
    const sent = clear(() =>
      http.post(at(), {
        files: [
          { name: 'a', content: 'x' },
          { name: 'b', path: join(folder, name) },
        ],
      }),
    )
    await expect(sent).rejects.toMatchObject({
      kind: 'Invalid',
      message: expect.stringContaining(words) as string,
      details: { path: 'options.files.1.path' },
    })
    expect(origin.seen).toEqual([])
  })

  it('that are shorter than announced end the request', async () => {
    const sent = clear(() =>
      http.post(at(), { files: [{ name: 'stream', filename: 's', content: pieces('short'), length: 10 }] }),
    )
    await expect(sent).rejects.toMatchObject({ kind: 'Invalid' })
    expect(origin.seen).toEqual([])
  })

  it('are read no faster than they are sent', async () => {
    let produced = 0
    const big = Buffer.alloc(1024 * 1024, 'x')
    const most = 256
    async function* source() {
      for (; produced < most; produced += 1) yield await Promise.resolve(big)
    }
    const held: Readable[] = []
    const server = createServer((request, response) => {
      held.push(request)
      request.on('end', () => response.end())
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : 0
    const sent = clear(() =>
      http.post(`http://127.0.0.1:${port}/`, { files: [{ name: 'big', filename: 'b', content: source() }] }),
    )
    let before = -1
    const isStill = () => {
      const still = produced > 0 && produced === before
      before = produced
      return still
    }
    await expect.poll(isStill, { interval: 100 }).toBe(true)
    expect(produced).toBeLessThan(64)
    held[0]?.resume()
    expect((await sent).status).toBe(200)
    expect(produced).toBe(most)
    await closeHttpPools()
    server.close()
  })
})

describe('bodies', () => {
  it('may be Blobs: with type and length, and sent twice', async () => {
    await clear(() => http.put(at('/?to=/there'), { body: new Blob(['blob'], { type: 'text/x-blob' }) }))
    expect(origin.seen.map(({ body, headers }) => [body, headers['content-type'], headers['content-length']])).toEqual([
      ['blob', 'text/x-blob', '4'],
      ['blob', 'text/x-blob', '4'],
    ])
  })

  it('have the length of a stream if the caller gives it', async () => {
    await clear(() => http.post(at(), { body: pieces('one ', 'two'), headers: { 'content-length': '7' } }))
    expect(origin.seen[0]).toMatchObject({ body: 'one two', headers: { 'content-length': '7' } })
    const wrong = clear(() => http.post(at(), { body: pieces('one'), headers: { 'content-length': '7' } }))
    await expect(wrong).rejects.toMatchObject({ kind: 'Invalid' })
  })

  it('are released if the request is never sent', async () => {
    const application = startApplication()
    application.denied.add(null)
    const reasons: unknown[] = []
    const stream = () => new ReadableStream<string>({ cancel: (reason) => void reasons.push(reason) })
    for (const given of [
      { body: stream() },
      {
        files: [
          { name: 'f', content: 'x' },
          { name: 's', content: stream() },
        ],
      },
    ]) {
      await expect(clear(() => http.post(at(), { ...given, overlayNetwork: null }))).rejects.toMatchObject({
        kind: 'PermissionDenied',
      })
    }
    await expect.poll(() => reasons.length).toBe(2)
  })

  it('are read as they arrive, without a limit, with stream: true', async () => {
    const long = 'x'.repeat(1000)
    const response = await clear(() => http.post(at(), { body: long, stream: true }))
    expect(response.body && (await text(response.body))).toBe(long)
    await expect(clear(() => http.post(at(), { body: long, stream: true, maxResponseBody: 10 }))).rejects.toMatchObject(
      { kind: 'Invalid' },
    )
  })
})
