/** A plain server beside a kernel, whose upgrades go to `http.websocket` entries by their path. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { entryId } from '@troupe/core'
import { startKernel, type TestKernel } from '../../testing/start-kernel.ts'
import { closeConnections } from '../../connections/open-connections.ts'
import { acceptWebSocket, type UpgradeOutcome } from '../index.ts'
import { type WebSocketFields, websocketKind } from '../kind.ts'
import { Observer } from './observer.ts'

export interface StartServerOptions {
  /** Fields of `http.websocket` entries by their names; their `process` is an export of `programs/talk.ts`. */
  readonly sockets: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

export interface TestServer extends TestKernel {
  readonly port: number
  /** Returns the URL of an entry. */
  url(name: string): string
  /** The results of the upgrades. */
  readonly outcomes: readonly UpgradeOutcome[]
  readonly observer: Observer
  /** Stops as a service does. */
  stop(): Promise<void>
}

const programs = ['echo', 'tell', 'obey', 'slow', 'stubborn', 'urge', 'whoami']

export async function startServer({ sockets }: StartServerOptions): Promise<TestServer> {
  const kernel = await startKernel({
    root: import.meta.dirname,
    entries: [
      { id: entryId('app:server'), kind: 'http.service' },
      { id: entryId('app:router'), kind: 'http.router', meta: { server: 'app:server' } },
      ...programs.map((method) => ({
        id: entryId(`app:${method}`),
        kind: 'process.ts',
        fields: { source: 'file://programs/talk.ts', method },
      })),
      ...Object.entries(sockets).map(([name, fields]) => ({
        id: entryId(`app:${name}-socket`),
        kind: 'http.websocket',
        meta: { router: 'app:router' },
        fields: {
          path: `/${name}`,
          ...('target' in fields ? {} : { process: `app:${name}`, host: 'app:host' }),
          ...fields,
        },
      })),
    ],
  })
  const observer = Observer.start(kernel.kernel)
  const outcomes: UpgradeOutcome[] = []
  const known = new Map<string, WebSocketFields>()
  const server = createServer((_, response) => {
    response.writeHead(404).end()
  })
  server.on('upgrade', (request, socket, head) => {
    const { pathname } = new URL(request.url ?? '/', 'http://here')
    const entry = entryId(`app:${pathname.slice(1)}-socket`)
    const fields = known.get(entry) ?? kernel.registry.decode(entry, websocketKind).fields
    known.set(entry, fields)
    const accepted = kernel.run(async () =>
      acceptWebSocket({ request, socket, head, route: { entry, fields }, params: { room: 'blue' }, isOwnPage: true }),
    )
    void accepted.then((outcome) => outcomes.push(outcome))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const stop = async () => {
    server.close()
    await closeConnections()
    server.closeAllConnections()
  }
  return {
    ...kernel,
    observer,
    port,
    outcomes,
    stop,
    url: (name) => `ws://127.0.0.1:${port}/${name}`,
    async [Symbol.asyncDispose]() {
      await stop()
      await kernel[Symbol.asyncDispose]()
    },
  }
}
