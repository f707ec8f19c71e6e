/**
 * A server of a benchmark, in its own process: prints its port. `/inline` runs in the server's thread, `/pool` in one
 * of two others.
 */
import { join } from 'node:path'
import { serve } from '@hono/node-server'
import { entryId } from '@troupe/core'
import { Hono } from 'hono'
import { Piscina } from 'piscina'
import { boot } from 'troupe/app'

async function ours(): Promise<number> {
  const app = await boot({ root: join(import.meta.dirname, 'http-app'), onLog: () => undefined })
  return app.address(entryId('app:web')).port
}

/** hono as documented, with each request passed to piscina by hand. */
async function hono(): Promise<number> {
  const pool = new Piscina<object, string>({
    filename: join(import.meta.dirname, 'http-piscina.ts'),
    minThreads: 2,
    maxThreads: 2,
  })
  const app = new Hono()
  app.get('/inline', (context) => context.text('hello world'))
  app.get('/pool', async ({ req, text }) =>
    text(await pool.run({ method: req.method, url: req.url, headers: req.header() })),
  )
  return new Promise((resolve) => {
    serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
      resolve(port)
    })
  })
}

console.log(await (process.argv[2] === 'hono' ? hono() : ours()))
process.stdin.resume().on('end', () => process.exit())
