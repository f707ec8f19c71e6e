/** The requests that an application counts, against those that a test made. */
import { entryId } from '@troupe/core'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { processes } from '../index.ts'
import { startApp } from '../test/index.ts'
import { metricsText } from './metrics.ts'

const source = 'file://requests.ts'
const entries = [
  { id: 'app:web', kind: 'http.service', addr: '127.0.0.1:0', lifecycle: { auto_start: true } },
  { id: 'app:router', kind: 'http.router', prefix: '/shop', meta: { server: 'web' } },
  { id: 'app:item', kind: 'function.ts', source, method: 'item', pool: 'inline' },
  { id: 'app:pooled', kind: 'function.ts', source, method: 'item', pool: { min: 0, max: 1 } },
  { id: 'app:fails', kind: 'function.ts', source, method: 'fails', pool: 'inline' },
  { id: 'app:at', kind: 'http.endpoint', meta: { router: 'router' }, path: '/{item}', func: 'item' },
  { id: 'app:away', kind: 'http.endpoint', meta: { router: 'router' }, path: '/pool/{item}', func: 'pooled' },
  { id: 'app:post', kind: 'http.endpoint', meta: { router: 'router' }, path: '/fails', method: 'POST', func: 'fails' },
  { id: 'app:asks', kind: 'process.ts', source, method: 'asks' },
  { id: 'app:proxy', kind: 'network.socks5', host: '127.0.0.1', port: 9 },
  {
    id: 'app:threads',
    kind: 'process.host',
    host: { isolation: 'thread', spares: 0 },
    lifecycle: { auto_start: true },
  },
]
const web = entryId('app:web')

async function started() {
  const app = await startApp({ root: `${import.meta.dirname}/fixtures`, entries })
  const ask = async (path: string, method = 'GET') => {
    const response = await fetch(`http://127.0.0.1:${app.app.address(web).port}${path}`, { method })
    await response.arrayBuffer()
    return response.status
  }
  /** Requests by route, method and status, once none is in flight. */
  const counted = async () => {
    await expect.poll(async () => (await app.app.observe()).servers.map(({ inFlight }) => inFlight)).toEqual([0])
    const { routes } = await app.app.observe()
    return Object.fromEntries(
      routes.flatMap(({ route, requests }) =>
        requests.map(({ method, status, count }) => [`${method} ${route} ${status}`, count]),
      ),
    )
  }
  return { app, ask, counted, [Symbol.asyncDispose]: async () => app[Symbol.asyncDispose]() }
}

describe('requests to a service', () => {
  it('are counted exactly, by the pattern of their route, also when its thread ends', async () => {
    await using scene = await started()
    const { app, ask, counted } = scene
    for (let n = 0; n < 20; n += 1) expect(await ask(`/shop/secret-${n}`)).toBe(200)
    expect(await ask('/shop/pool/1')).toBe(200)
    expect(await ask('/shop/fails', 'POST')).toBe(500)
    expect(await ask('/elsewhere/1')).toBe(404)
    expect(await ask('/elsewhere/1', 'PROPFIND')).toBe(404)
    const first = {
      'GET /shop/{item} 2xx': 20,
      'GET /shop/pool/{item} 2xx': 1,
      'POST /shop/fails 5xx': 1,
      'GET none 4xx': 1,
      'other none 4xx': 1,
    }
    expect(await counted()).toEqual(first)
    await app.app.stopService(web)
    await app.app.start(web)
    expect(await ask('/shop/again')).toBe(200)
    expect(await counted()).toEqual({ ...first, 'GET /shop/{item} 2xx': 21 })
    const { servers, routes } = await app.app.observe()
    expect(servers[0]?.bytesSent).toBeGreaterThan(25 * 50)
    expect(servers[0]?.bytesReceived).toBeGreaterThan(25 * 50)
    const item = routes.find(({ route }) => route === '/shop/{item}')
    expect(item?.buckets.reduce((a, b) => a + b)).toBe(21)
    expect(item?.seconds).toBeGreaterThan(0)
  })

  it('are exemplars of their durations where their trace is sampled', async () => {
    await using scene = await started()
    const { app, counted } = scene
    const url = `http://127.0.0.1:${app.app.address(web).port}/shop/1`
    const traceId = '0af7651916cd43dd8448eb211c80319c'
    const trace = (flags: string) => ({ headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-${flags}` } })
    await (await fetch(url, trace('00'))).text()
    await counted()
    expect((await metricsText(await app.app.observe(), 'openmetrics')).text).not.toContain('trace_id')
    await (await fetch(url, trace('01'))).text()
    await counted()
    const observation = await app.app.observe()
    expect((await metricsText(observation, 'openmetrics')).text).toMatch(
      new RegExp(
        String.raw`^troupe_http_request_seconds_bucket\{service="app:web",route="/shop/\{item\}",le="[^"]+"\} \d+ ` +
          String.raw`# \{trace_id="${traceId}",span_id="[\da-f]{16}"\} \d\S* \d+(\.\d+)?$`,
        'm',
      ),
    )
    expect((await metricsText(observation, 'prometheus')).text).not.toContain('trace_id')
  })

  it('become metrics: no label contains a path, or a value that exists only for a while', async () => {
    await using scene = await started()
    const { app, ask, counted } = scene
    const lines = async () => (await metricsText(await app.app.observe(), 'prometheus')).text.split('\n')
    await ask('/shop/first')
    await counted()
    const before = await lines()
    for (let n = 0; n < 50; n += 1) await ask(`/shop/secret-${n}`)
    await counted()
    const after = await lines()
    expect(after.length).toBe(before.length)
    expect(after.join('\n')).not.toContain('secret')
    const route = 'service="app:web",route="/shop/{item}"'
    expect(after).toContain(`troupe_http_requests_total{${route},method="GET",status="2xx"} 51`)
    expect(after).toContain(`troupe_http_request_seconds_count{${route}} 51`)
    expect(after).toContain(`troupe_http_request_seconds_bucket{${route},le="+Inf"} 51`)
    expect(after).toContain('troupe_http_requests_in_flight{service="app:web"} 0')
  })
})

describe('requests of the client', () => {
  it('are counted by overlay and outcome, while the threads that made them end', async () => {
    const server = createServer((request, response) => {
      response.statusCode = Number((request.url ?? '').slice(1))
      response.end('x')
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    await using scene = await started()
    const { app } = scene.app
    const urls = [200, 201, 404, 503].map((status) => `http://127.0.0.1:${port}/${status}`)
    await app.run(async () => {
      for (let round = 0; round < 3; round += 1) expect(await processes.exec('app:asks', 'app:threads', urls)).toBe(4)
      const overlaid = processes.withOptions({ network: 'app:proxy' })
      expect(await overlaid.exec('app:asks', 'app:threads', urls.slice(0, 2))).toBe(0)
    })
    server.close()
    const { requests } = await app.observe()
    expect(requests.toSorted((a, b) => (a.outcome < b.outcome ? -1 : 1))).toEqual([
      { overlay: null, outcome: '2xx', count: 6 },
      { overlay: null, outcome: '4xx', count: 3 },
      { overlay: null, outcome: '5xx', count: 3 },
      { overlay: 'app:proxy', outcome: 'failed', count: 2 },
    ])
  })
})
