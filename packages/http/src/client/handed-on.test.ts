import { once } from 'node:events'
import { createServer } from 'node:http'
import { gzipSync } from 'node:zlib'
import { getRequestListener } from '@hono/node-server'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { inFrame, startApplication } from '../testing/application.ts'
import { type Origin, startOrigin } from '../testing/servers.ts'
import { closeHttpPools, http } from '../index.ts'

let origin: Origin
const large = 'large '.repeat(50_000)

beforeAll(async () => {
  origin = await startOrigin((request, response) => {
    const text = request.url === '/large' ? large : JSON.stringify({ made: 'upstream' })
    const headers = { 'x-up': '1', 'content-type': 'application/json' }
    if (request.url === '/coded')
      response.writeHead(201, { ...headers, 'content-encoding': 'gzip' }).end(gzipSync(text))
    else response.writeHead(201, headers).end(text)
  })
})
beforeEach(() => void startApplication())
afterAll(async () => {
  await closeHttpPools()
  await origin[Symbol.asyncDispose]()
})

it.each(['/', '/coded', '/large'])('a response can be returned by a handler: %s', async (path) => {
  const handlers: Readonly<Record<string, (answer: Response) => Response>> = {
    '/as-it-is': (answer) => answer,
    '/clone': (answer) => answer.clone(),
    '/init': (answer) => new Response(answer.body, answer),
    '/new': (answer) =>
      new Response(answer.body, { status: answer.status, headers: { 'x-up': answer.headers.get('x-up') ?? '' } }),
  }
  const listener = getRequestListener(async (request) => {
    const answer = await inFrame({ overlay: null }, () => http.get(`http://127.0.0.1:${origin.port}${path}`))
    expect(answer instanceof Response).toBe(true)
    return handlers[new URL(request.url).pathname]?.(answer) ?? answer
  })
  const server = createServer((request, response) => void listener(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  for (const how of Object.keys(handlers)) {
    const response = await fetch(`http://127.0.0.1:${port}${how}`)
    const text = await response.text()
    expect([how, response.status, response.headers.get('x-up'), text]).toEqual([
      how,
      201,
      '1',
      path === '/large' ? large : '{"made":"upstream"}',
    ])
  }
  server.close()
  server.closeAllConnections()
})
