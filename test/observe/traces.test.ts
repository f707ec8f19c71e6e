/** Spans of an application, as a collector receives them. */
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { processes, trace } from 'troupe'
import { type Application, boot } from 'troupe/app'
import { startProxy } from '../fixtures/selection/proxy.ts'
import { type ReceivedSpan, type Receiver, startReceiver } from '../fixtures/otlp-receiver.ts'

const root = fileURLToPath(new URL('../fixtures/observe', import.meta.url))
const lifecycle = { auto_start: true }
const program = (method: string) => ({ id: `app:${method}`, kind: 'process.ts', source: 'file://traced.ts', method })
const quiet = () => undefined

async function started(receiver: Receiver, proxyPort: number, hasSdk: boolean): Promise<Application> {
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = receiver.url
  return boot({
    root,
    network: null,
    onLog: quiet,
    sections: { metrics: { addr: '127.0.0.1:0' }, ...(hasSdk && { telemetry: { module: 'telemetry.ts' } }) },
    entries: [
      { id: 'app:threads', kind: 'process.host', host: { isolation: 'thread', spares: 0 }, lifecycle },
      { id: 'app:shared', kind: 'process.host', host: { isolation: 'shared', workers: 1 }, lifecycle },
      { id: 'app:proxy', kind: 'network.socks5', host: '127.0.0.1', port: proxyPort },
      ...['fetches', 'answers'].map(program),
      {
        id: 'app:team',
        kind: 'process.supervisor',
        host: 'app:shared',
        children: [{ id: 'one', process: 'app:answers' }],
        lifecycle,
      },
    ],
  })
}

/** A server that keeps the headers of requests. */
async function startOrigin(stack: AsyncDisposableStack, requests: IncomingHttpHeaders[]): Promise<string> {
  const server = createServer(({ headers }, response) => {
    requests.push(headers)
    response.end('ok')
  }).listen(0, '127.0.0.1')
  stack.defer(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/a?key=not-shown`
}

const named = ({ spans }: Receiver, name: string): readonly ReceivedSpan[] => spans.filter((span) => span.name === name)

describe('spans', () => {
  /** The SDK of the program's own thread is loaded once: it sends to one receiver, whichever application runs. */
  let receiver: Receiver
  beforeAll(async () => {
    receiver = await startReceiver()
  })
  afterAll(async () => receiver[Symbol.asyncDispose]())

  it('of a thread in an overlay leave through it and name it, and its targets see no trace', async () => {
    await using stack = new AsyncDisposableStack()
    const requests: IncomingHttpHeaders[] = []
    const proxy = stack.use(await startProxy('127.0.0.2'))
    const origin = await startOrigin(stack, requests)
    const app = stack.use(await started(receiver, proxy.port, true))
    await app.run(async () => {
      trace.begin()
      const through = processes.withOptions({ network: 'app:proxy' })
      expect(await through.exec('app:fetches', 'app:threads', origin)).toBe(true)
    })
    await expect.poll(() => receiver.spans.length).toBe(3)
    const [spawn, get, dial] = ['spawn app:fetches', 'GET', 'dial'].flatMap((name) => named(receiver, name))
    expect([get?.parent, dial?.parent]).toEqual([spawn?.spanId, get?.spanId])
    expect(get?.attributes).toMatchObject({ 'troupe.overlay': 'app:proxy', 'http.response.status_code': 200 })
    expect(dial?.attributes).toMatchObject({ 'troupe.overlay': 'app:proxy', 'server.address': '127.0.0.1' })
    expect(spawn?.attributes).not.toHaveProperty('troupe.overlay')
    // The request, and the export of the thread's spans.
    expect(proxy.count()).toBe(2)
    const accept = 'application/openmetrics-text'
    const scraped = await fetch(`http://127.0.0.1:${app.metricsPort}/metrics`, { headers: { accept } })
    const line =
      /^troupe_overlay_dial_seconds_bucket\{overlay="app:proxy",le="[^"]+"\} \d+ # \{(.*)\} [\d.e-]+ [\d.]+$/m
    const [, exemplar] = line.exec(await scraped.text()) ?? []
    expect(exemplar).toBe(`trace_id="${dial?.traceId}",span_id="${dial?.spanId}"`)
    expect(requests).toHaveLength(1)
    expect(requests[0]).not.toHaveProperty('traceparent')
    expect(receiver.raw.join('')).not.toContain('not-shown')
  })

  it('of a message refer to the sender, those of a call are its children; restarts have their own', async () => {
    await using stack = new AsyncDisposableStack()
    const app = stack.use(await started(receiver, 9, true))
    await app.run(async () => {
      const begun = trace.parse(trace.begin())
      const pid = await processes.spawn('app:answers', 'app:shared')
      await processes.send(pid, 'note')
      const inside = trace.parse(String(await processes.call(pid, 'ask')))
      // They come from two threads.
      const three = () => ['call ask', 'process ask', 'process note'].flatMap((name) => named(receiver, name))
      await expect.poll(() => three().length).toBe(3)
      const [call, asked, noted] = three()
      expect([call?.parent, asked?.parent, asked?.spanId]).toEqual([begun?.spanId, call?.spanId, inside?.spanId])
      expect(asked?.traceId).toBe(begun?.traceId)
      expect(noted?.traceId).not.toBe(begun?.traceId)
      expect(noted?.links).toMatchObject([{ traceId: begun?.traceId, spanId: begun?.spanId }])
      await processes.send('app:team/one', 'fail')
    })
    await expect.poll(() => named(receiver, 'restart app:team').length).toBe(1)
    expect(named(receiver, 'restart app:team')).toMatchObject([{ parent: '', attributes: { 'troupe.child': 'one' } }])
    expect(receiver.raw.join('')).not.toContain('not-shown')
  })

  it('are not made without an SDK', async () => {
    await using stack = new AsyncDisposableStack()
    const requests: IncomingHttpHeaders[] = []
    const own = stack.use(await startReceiver())
    const origin = await startOrigin(stack, requests)
    const app = await started(own, 9, false)
    await app.run(async () => {
      trace.begin()
      expect(await processes.exec('app:fetches', 'app:threads', origin)).toBe(false)
    })
    await app.stop()
    expect(requests[0]).toHaveProperty('traceparent')
    expect(own.requests).toBe(0)
  })

  it('of an SDK that cannot be loaded are missing, with a line in the log', async () => {
    await using stack = new AsyncDisposableStack()
    const own = stack.use(await startReceiver())
    const origin = await startOrigin(stack, [])
    const lines: string[] = []
    await using app = await boot({
      root,
      network: null,
      onLog: (line) => void lines.push(line),
      sections: { telemetry: { module: 'missing.ts' } },
      entries: [{ id: 'app:threads', kind: 'process.host', host: { spares: 0 }, lifecycle }, program('fetches')],
    })
    await app.run(async () => processes.exec('app:fetches', 'app:threads', origin))
    expect(lines.join('\n')).toContain('this thread makes no spans: ')
    expect(own.requests).toBe(0)
  })
})
