/**
 * The thread of the dashboard: serves the page and its requests, so that the page also works while the kernel's thread
 * does not. It runs no code of the application, has no environment, and opens no connection.
 */
import { once } from 'node:events'
import { createServer as createHttpServer, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { parentPort, workerData } from 'node:worker_threads'
import type { Socket } from 'node:net'
import { Connections } from './connections.ts'
import { Feed } from './feed.ts'
import { Gate } from './gate.ts'
import { pageFiles } from './page-files.ts'
import type { DashboardData, FromDashboard, ToDashboard } from './protocol.ts'
import { Requests } from './requests.ts'

const patience = 10_000
/** How often slow requests are looked for, in milliseconds. */
const connectionsCheckingInterval = 1000

await serve(dataOf(workerData))

async function serve(data: DashboardData): Promise<void> {
  const post = (message: FromDashboard) => parentPort?.postMessage(message)
  const feed = new Feed({
    pid: data.pid,
    onLooking: (pages) => {
      post({ type: 'looking', pages })
    },
  })
  const server = serverFor(data)
  const connections = new Connections()
  server.on('connection', connections.add)
  try {
    if ('path' in data.at) server.listen({ path: data.at.path })
    else server.listen({ port: data.at.port, host: data.at.host })
    await once(server, 'listening')
  } catch (error) {
    post({ type: 'failed', reason: error instanceof Error ? error.message : String(error) })
    return
  }
  // Such as too many open files, when it accepts a connection.
  server.on('error', ({ message }) => {
    post({ type: 'trouble', reason: `the dashboard does not accept a connection: ${message}` })
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : undefined
  const gate = new Gate(data, port)
  const requests = new Requests({ gate, feed, files: await pageFiles(), post })
  server.on('request', (request, response) => {
    if (!gate.admits(request)) {
      request.socket.destroy()
      return
    }
    const role = gate.roleOf(request)
    // A reader has as many connections as it wants: one that holds no stream of events may be closed.
    if (role === 'operator' || (role === 'reader' && request.url?.split('?', 1)[0] === '/events'))
      connections.keep(request.socket, response)
    void requests.handle(request, response)
  })
  parentPort?.on('message', (message: ToDashboard) => {
    if (message.type === 'tick') feed.tick(message)
    else if (message.type === 'observed') feed.observed(message)
    else requests.settle(message)
  })
  post({ type: 'listening', port: port ?? 0 })
}

/** A server that sends no byte by itself: neither to what is not HTTP, nor before the request was examined. */
function serverFor({ tls }: DashboardData): Server {
  const options = { requireHostHeader: false, connectionsCheckingInterval }
  const server =
    tls === undefined
      ? createHttpServer(options)
      : createHttpsServer({ ...options, ...tls, handshakeTimeout: patience })
  server.headersTimeout = patience
  server.requestTimeout = patience
  const close = (_: unknown, socket: Pick<Socket, 'destroy'>) => void socket.destroy()
  server.on('clientError', close)
  server.on('upgrade', close)
  server.on('connect', close)
  for (const event of ['checkContinue', 'checkExpectation'])
    server.on(event, ({ socket }: { readonly socket: Socket }) => void socket.destroy())
  return server
}

/** The kernel's thread is of the same version. */
function dataOf(value: unknown): DashboardData
function dataOf(value: unknown): unknown {
  return value
}
