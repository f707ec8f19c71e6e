/** Handlers of web frameworks run on behalf of the actor of their request, with its trace and deadline. */
import { createAdaptorServer } from '@hono/node-server'
import { currentFrame } from '@troupe/core'
import { once } from 'node:events'
import http from 'node:http'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { type App, start } from 'troupe'
import { expressTroupe, fastifyTroupe, honoTroupe } from 'troupe/adapters'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const headers = {
  'x-user': 'ann',
  traceparent: `00-${traceId}-b7ad6b7169203331-01`,
  'content-type': 'application/json',
}
const shown = { actor: 'ann', trace: traceId, inTime: true }

let app: App
beforeEach(async () => {
  app = await start({ onLog: () => {}, root: import.meta.dirname })
})
afterEach(async () => app.stop())

/** What a handler would send along with its calls. */
function context(): unknown {
  const { actor, trace, deadline } = currentFrame() ?? {}
  const left = (deadline ?? 0) - Date.now()
  return { actor: actor?.id, trace: trace?.split('-')[1], inTime: left > 0 && left <= 60_000 }
}

const actorOf = (id: unknown) => (typeof id === 'string' ? { id, meta: {} } : undefined)

async function answers(url: string): Promise<unknown> {
  const post = { method: 'POST', body: JSON.stringify({ long: 'x'.repeat(100_000) }), headers }
  const posted = await fetch(`${url}/context`, post)
  const got = await fetch(`${url}/context`, { headers })
  const health = await fetch(`${url}/healthz`)
  return { posted: await posted.json(), got: await got.json(), health: [health.status, await health.json()] }
}

const expected = { posted: shown, got: shown, health: [200, { state: 'up', failed: [] }] }

describe('adapters', () => {
  it('Express', async () => {
    const site = express()
    site.use(expressTroupe(app, { actor: ({ headers: given }) => actorOf(given['x-user']), timeout: '60s' }))
    site.use(express.json())
    site.all('/context', async (_request, response) => {
      await Promise.resolve()
      response.json(context())
    })
    const server = http.createServer(site).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    expect(await answers(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`)).toEqual(expected)
    server.closeAllConnections()
    server.close()
  })

  it('Fastify, whose end stops the application', async () => {
    const site = fastify()
    await site.register(
      fastifyTroupe(app, { actor: ({ headers: given }) => actorOf(given['x-user']), timeout: 60_000 }),
    )
    site.all('/context', async () => Promise.resolve(context()))
    const url = await site.listen({ port: 0, host: '127.0.0.1' })
    expect(await answers(url)).toEqual(expected)
    await site.close()
    await expect(app.spawn(new URL('program.ts', import.meta.url))).rejects.toMatchObject({ kind: 'Unavailable' })
  })

  it('Hono', async () => {
    const site = new Hono()
    site.use(honoTroupe(app, { actor: (request) => actorOf(request.headers.get('x-user')), timeout: '60s' }))
    site.all('/context', async (c) => {
      await c.req.text()
      return c.json(context())
    })
    const server = createAdaptorServer({ fetch: site.fetch })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const address = server.address()
    expect(await answers(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`)).toEqual(expected)
    server.close()
  })
})
