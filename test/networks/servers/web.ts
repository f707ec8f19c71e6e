/**
 * An HTTP server with the responses that clients of services expect, by HTTP/1.1, HTTP/2 and TLS; WebSockets and lines
 * that it echoes.
 */
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import tls from 'node:tls'
import { overWebSocket } from './brokers.ts'
import { line, listen, serve, type Setting } from './listen.ts'

const pem = async (name: string) => readFile(join(import.meta.dirname, '../../guard/fixtures', name), 'utf8')

export async function startWeb(setting: Setting): Promise<Readonly<Record<string, number | string>>> {
  const { ledger, stack } = setting
  const certificate = { key: await pem('server.key'), cert: await pem('server.pem') }
  const secure = createSecureServer(
    { ...certificate, allowHTTP1: true },
    (request, response) => void answer(request, response),
  )
  const secureLines = tls.createServer(certificate, (socket) => {
    socket
      .on('error', () => {})
      .on('data', (data: Buffer) => {
        ledger.read(data, socket.remoteAddress)
        socket.write(data)
      })
  })
  secureLines.on('tlsClientError', () => {})

  async function answer(
    request: IncomingMessage | Http2ServerRequest,
    response: ServerResponse | Http2ServerResponse,
  ): Promise<void> {
    const { remoteAddress } = request.socket
    const url = request.url ?? '/'
    const body = await text(request).catch(() => '')
    ledger.read(`${url} ${body}`, remoteAddress)
    const { type = 'application/json', content } = answerTo(url, body)
    response.statusCode = content === '' ? 204 : 200
    response.setHeader('content-type', type)
    response.setHeader('x-elastic-product', 'Elasticsearch')
    response.end(content)
  }

  // Kept open for longer than a test takes: a client that sends while it closes would fail.
  const plain = createServer({ keepAliveTimeout: 600_000 }, (request, response) => void answer(request, response))

  return {
    http: await listen(plain, stack),
    https: await listen(secure, stack),
    lines: await serve(setting, { length: (data) => line(data), answer: (message) => message }),
    secureLines: await listen(secureLines, stack),
    websocket: await overWebSocket(setting, { answer: (said) => said }),
    ca: await pem('ca.pem'),
  }
}

function answerTo(url: string, body: string): { readonly type?: string; readonly content: string } {
  if (url.startsWith('/events/')) return { type: 'text/event-stream', content: `data: ${url}\n\n` }
  if (url === '/rpc') return { content: JSON.stringify(rpc(body)) }
  if (url === '/graphql') return { content: '{"data":{"say":"ok"}}' }
  if (url.startsWith('/bot')) return { content: '{"ok":true,"result":{}}' }
  if (url.startsWith('/items/')) return { content: '{"result":"created"}' }
  if (url.startsWith('/api/v2/write')) return { content: '' }
  return url.startsWith('/tok') ? { type: 'text/html', content: '<html></html>' } : { content: '{}' }
}

/** JSON-RPC 2.0, one call or several. */
function rpc(body: string): unknown {
  const calls: unknown = JSON.parse(body)
  const one = (call: unknown) => ({
    jsonrpc: '2.0',
    result: '0x1',
    ...(typeof call === 'object' && call !== null && 'id' in call && { id: call.id }),
  })
  return Array.isArray(calls) ? calls.map(one) : one(calls)
}
