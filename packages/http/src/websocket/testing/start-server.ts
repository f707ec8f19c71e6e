/** A kernel with a plain server in the main thread, whose upgrades go to `http.websocket` entries by their path. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { entryId, runInSlot } from '@troupe/core'
import { Overlays } from '@troupe/network/kernel'
import { setOutsideParticipant, setRuntime } from '@troupe/process'
import { Kernel, processKinds } from '@troupe/process/kernel'
import { defineKind, reference, Registry } from '@troupe/registry'
import { z } from 'zod'
import { Connections } from '../connections.ts'
import { acceptWebSocket, closeWebSockets, type UpgradeOutcome } from '../index.ts'
import { type WebSocketFields, websocketKind } from '../kind.ts'

const routerKind = defineKind({ kind: 'http.router', fields: z.strictObject({}), meta: { server: reference('http.service') } })
const serviceKind = defineKind({ kind: 'http.service', fields: z.strictObject({}) })

export interface StartServerOptions {
  /** Fields of `http.websocket` entries by their names; `process` is an export of `programs/talk.ts`. */
  readonly sockets: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

export interface TestServer extends AsyncDisposable {
  readonly kernel: Kernel
  readonly connections: Connections
  readonly port: number
  /** Where an entry is. */
  url(name: string): string
  /** What became of the upgrades. */
  readonly outcomes: readonly UpgradeOutcome[]
  readonly log: readonly string[]
}

const programs = ['echo', 'tell', 'obey', 'slow', 'stubborn', 'whoami']

export async function startServer({ sockets }: StartServerOptions): Promise<TestServer> {
  const registry = new Registry({ kinds: [...processKinds, websocketKind, routerKind, serviceKind], root: import.meta.dirname })
  registry.add(
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
      fields: { path: `/${name}`, ...('target' in fields ? {} : { process: `app:${name}`, host: 'app:host' }), ...fields },
    })),
  )
  const log: string[] = []
  const overlays = new Overlays(registry)
  const kernel = new Kernel({ registry, overlays, preload: [], log: (line) => log.push(line) })
  const settings = { isolation: 'shared', workers: 1, spares: 0, queueSize: 16 } as const
  kernel.hosts.add(kernel.hosts.create(entryId('app:host'), settings))
  setRuntime(kernel.runtime)
  setOutsideParticipant(kernel.runtime.root)
  const connections = new Connections(kernel)
  const known = new Map<string, WebSocketFields>()
  const outcomes: UpgradeOutcome[] = []
  const server = createServer((_, response) => {
    response.writeHead(404).end()
  })
  server.on('upgrade', (request, socket, head) => {
    const { pathname } = new URL(request.url ?? '/', 'http://here')
    const entry = entryId(`app:${pathname.slice(1)}-socket`)
    const fields = known.get(entry) ?? registry.decode(entry, websocketKind).fields
    known.set(entry, fields)
    void runInSlot(kernel.runtime.root.slot(), async () =>
      acceptWebSocket({ request, socket, head, route: { entry, fields }, params: { room: 'blue' } }),
    ).then((outcome) => outcomes.push(outcome))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    kernel,
    connections,
    port,
    outcomes,
    log,
    url: (name) => `ws://127.0.0.1:${port}/${name}`,
    async [Symbol.asyncDispose]() {
      server.close()
      await closeWebSockets()
      server.closeAllConnections()
      await kernel[Symbol.asyncDispose]()
      await overlays[Symbol.asyncDispose]()
      setOutsideParticipant(undefined)
      setRuntime(undefined)
    },
  }
}
