import { createServer, type IncomingHttpHeaders } from 'node:http'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Program } from '../cli/app-folder.ts'
import { type ReceivedSpan, startReceiver } from '../fixtures/otlp-receiver.ts'

const repository = resolve(import.meta.dirname, '../..')
const folder = join(repository, 'examples/traced')
const troupe = join(repository, 'packages/cli/src/troupe.ts')

/** The service that the example asks for prices. */
async function startUpstream(stack: AsyncDisposableStack, requests: IncomingHttpHeaders[]): Promise<string> {
  const server = createServer((request, response) => {
    requests.push(request.headers)
    response.setHeader('content-type', 'application/json').end('{"price":3}')
  }).listen(0, '127.0.0.1')
  stack.defer(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
}

/** Each name, below that of its parent. */
function treeOf(spans: readonly ReceivedSpan[], parent: string, indent = ''): readonly string[] {
  return spans
    .filter((span) => span.parent === parent)
    .flatMap(({ name, spanId }) => [`${indent}${name}`, ...treeOf(spans, spanId, `${indent}  `)])
}

describe('examples/traced', () => {
  it('sends one tree of spans from three threads, and the trace to another service', async () => {
    await using stack = new AsyncDisposableStack()
    const requests: IncomingHttpHeaders[] = []
    const receiver = stack.use(await startReceiver())
    const upstream = await startUpstream(stack, requests)
    const env = { ...process.env, TRACED_PORT: '0', UPSTREAM: upstream, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url }
    using program = new Program(process.execPath, [troupe, 'run'], folder, env)
    await program.says('"entry":"app:web","msg":"Running"')
    const url = `http://127.0.0.1:${program.match(/"app:web","msg":"listens on 127\.0\.0\.1:(\d+)/)}`
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const response = await fetch(`${url}/api/prices/7?token=not-shown`, {
      headers: { traceparent, tracestate: 'vendor=1' },
    })
    expect([response.status, await response.text()]).toEqual([200, '{"price":3}'])
    await expect.poll(() => receiver.spans.length).toBe(4)
    expect(treeOf(receiver.spans, 'b7ad6b7169203331')).toEqual([
      'GET /api/prices/{item}',
      '  handle app:price',
      '    spawn app:quote',
      '      GET',
    ])
    expect(new Set(receiver.spans.map(({ traceId }) => traceId))).toEqual(new Set(['0af7651916cd43dd8448eb211c80319c']))
    const client = receiver.spans.find(({ name }) => name === 'GET')
    expect(requests.map((headers) => [headers['traceparent'], headers['tracestate']])).toEqual([
      [`00-0af7651916cd43dd8448eb211c80319c-${client?.spanId}-01`, 'vendor=1'],
    ])
    expect(receiver.raw.join('')).not.toContain('not-shown')
    // Without a trace of the client, the request begins one.
    await fetch(`${url}/api/prices/8`)
    // All of them, before the end: a thread that ends waits only a short time for their export.
    await expect.poll(() => receiver.spans.length).toBe(8)
    expect(receiver.spans.filter(({ parent }) => parent === '')).toHaveLength(1)
    program.kill('SIGTERM')
    expect((await program.ended).status).toBe(0)
    expect(receiver.spans).toHaveLength(8)
  })
})
