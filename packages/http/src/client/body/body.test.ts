import { createServer } from 'node:http'
import { once } from 'node:events'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { inFrame, startApplication } from '../../testing/application.ts'
import { type Origin, startOrigin } from '../../testing/servers.ts'
import { closeHttpPools, http, type RequestOptions } from '../../index.ts'

let origin: Origin
const at = () => `http://127.0.0.1:${origin.port}/`
const post = (options: RequestOptions) => inFrame({ overlay: null }, () => http.post(at(), options))
/** What the platform reads from a body that was sent. */
const read = async (send: () => Promise<unknown>) => {
  origin.seen.length = 0
  await send()
  const { headers, body } = origin.seen[0] ?? expect.unreachable()
  return new Response(Buffer.from(body), { headers: { 'content-type': headers['content-type'] ?? '' } })
}

beforeAll(async () => {
  origin = await startOrigin()
})
beforeEach(() => void startApplication())
afterAll(async () => {
  await closeHttpPools()
  await origin[Symbol.asyncDispose]()
})

describe('a form', () => {
  it('is sent as fetch sends it', async () => {
    const form = new FormData()
    form.append('a', '1')
    form.append('a', 'two\nlines\r\nand\rmore')
    form.append('na"me\r\n', 'x')
    form.append('file', new File(['content\n'], 'na"me\n.txt', { type: 'text/x-own' }))
    form.append('blob', new Blob(['blob']))
    form.append('empty', new File([], 'none'))
    const entries = async (response: Response) =>
      Promise.all(
        // oxlint-disable-next-line typescript/no-deprecated -- It is what reads a form here.
        [...(await response.formData())].map(async ([name, value]) =>
          typeof value === 'string' ? [name, value] : [name, value.name, value.type, await value.text()],
        ),
      )
    const theirs = await entries(await read(() => fetch(at(), { method: 'POST', body: form })))
    expect(theirs.length).toBe(6)
    expect(await entries(await read(() => post({ body: form })))).toEqual(theirs)
    expect(origin.seen[0]?.headers).toHaveProperty('content-length')
    // A content type from the caller would not know the boundary.
    expect(
      await entries(await read(() => post({ body: form, headers: { 'content-type': 'multipart/form-data' } }))),
    ).toEqual(theirs)
  })

  it('is sent again after a redirect', async () => {
    const form = new FormData()
    form.append('file', new Blob(['x'.repeat(200_000)]), 'big')
    const server = createServer((request, response) => {
      request.resume().on('end', () => response.writeHead(307, { location: at() }).end())
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const sent = await read(() =>
      inFrame({ overlay: null }, () => http.post(`http://127.0.0.1:${port}/`, { body: form })),
    )
    server.close()
    expect((await sent.text()).length).toBeGreaterThan(200_000)
  })

  it('excludes other bodies', async () => {
    for (const other of [{ json: 1 }, { form: {} }, { files: [] }]) {
      await expect(post({ body: new FormData(), ...other })).rejects.toMatchObject({ kind: 'Invalid' })
    }
  })
})

describe('headers that a request sets by default', () => {
  const said = async (options: RequestOptions) => {
    origin.seen.length = 0
    await post(options)
    const { accept, 'user-agent': agent, 'accept-encoding': codings } = origin.seen[0]?.headers ?? {}
    return [accept, agent, codings]
  }

  it('can be replaced or removed', async () => {
    expect(await said({})).toEqual(['*/*', 'troupe', 'gzip, br, zstd, deflate'])
    expect(await said({ headers: { Accept: 'text/html', 'User-Agent': 'mine', 'Accept-Encoding': 'br' } })).toEqual([
      'text/html',
      'mine',
      'br',
    ])
    expect(await said({ headers: { accept: '', 'user-agent': '', 'accept-encoding': '' } })).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })
})

it('a query is appended to that of the URL, which stays unchanged', async () => {
  origin.seen.length = 0
  const url = `${at()}?signed=a%20b~%7E`
  await inFrame({ overlay: null }, () => http.get(url, { query: { c: 'd e', list: [1, 2] } }))
  await inFrame({ overlay: null }, () => http.get(url, { query: {} }))
  await inFrame({ overlay: null }, () => http.get(at(), { query: { c: '&' } }))
  expect(origin.seen.map((each) => each.url)).toEqual([
    '/?signed=a%20b~%7E&c=d+e&list=1&list=2',
    '/?signed=a%20b~%7E',
    '/?c=%26',
  ])
})
