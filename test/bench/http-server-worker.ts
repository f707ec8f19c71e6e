/**
 * A server of a benchmark, in its own process: prints its port. `/inline` runs in the server's thread, `/pool` in one
 * of two others.
 */
import { createServer } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { serve } from '@hono/node-server'
import { entryId } from '@troupe/core'
import { Hono } from 'hono'
import { Piscina } from 'piscina'
import { boot } from 'troupe/app'
import { zeros } from './http-app/src/zeros.ts'

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

/** The streams of `node:http`, as in `http-app/src/handlers.ts`. */
async function node(): Promise<number> {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
    if (pathname === '/down') {
      Readable.from(zeros(Number(searchParams.get('bytes'))), { objectMode: false }).pipe(response)
      return
    }
    let received = 0
    request.on('data', (data: Buffer) => (received += data.length)).on('end', () => response.end(String(received)))
  })
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(address !== null && typeof address === 'object' ? address.port : 0)
    })
  })
}

const servers = { ours, hono, node }
const [, , name = ''] = process.argv
console.log(await (name === 'hono' || name === 'node' ? servers[name]() : ours()))

/** Megabytes of the memory of this program. */
const memory = () => process.memoryUsage.rss() / 1e6
let [start, peak] = [memory(), memory()]
setInterval(() => {
  peak = Math.max(peak, memory())
}, 20).unref()
createInterface({ input: process.stdin })
  .on('line', () => {
    console.log(Math.max(peak, memory()) - start)
    start = memory()
    peak = start
  })
  .on('close', () => process.exit())
