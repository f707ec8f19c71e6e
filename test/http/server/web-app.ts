/** An application with one server on loopback, made of entries alone. */
import type { EventEmitter } from 'node:events'
import { type EntryId, entryId } from '@troupe/core'
import { http } from 'troupe'
import { Agent, fetch as undiciFetch, type RequestInit, type Response } from 'undici'
import { type Certificates, makeCertificates } from '../../contract/certificates.ts'
import type { OwnOverlay } from 'troupe/app'
import { startApp, type TestApp, type WrittenEntry } from 'troupe/test'

export type Protocol = 'HTTP/1.1' | 'HTTP/2'

/** The properties that must hold over each protocol. */
export const protocols = ['HTTP/1.1', 'HTTP/2'] as const

export interface WebAppOptions {
  /** HTTP/2 uses TLS. @default 'HTTP/1.1' */
  readonly protocol?: Protocol
  /** Where sources are. @default the folder of this file */
  readonly root?: string
  /** Fields of the `http.service` `app:web`. */
  readonly service?: Readonly<Record<string, unknown>>
  /** Fields of `http.endpoint` entries by their names; `func` is an export of `fixtures/handlers.ts`. */
  readonly endpoints?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  /** Fields of the `http.router` `app:router`. */
  readonly router?: Readonly<Record<string, unknown>>
  /** How functions run. */
  readonly pool?: unknown
  readonly entries?: readonly WrittenEntry[]
  readonly overlays?: readonly OwnOverlay[]
}

export interface WebApp extends AsyncDisposable {
  readonly app: TestApp
  readonly port: number
  readonly url: string
  readonly id: EntryId
  /** The entry of the `http.service`. */
  readonly entry: WrittenEntry
  /** Sends the server a request by its protocol. */
  fetch(path: string, init?: RequestInit): Promise<Response>
  /** The authority of its certificate. */
  readonly ca: string | undefined
  /** Ends the connections of {@link fetch}. */
  disconnect(): Promise<void>
  /** The JSON response of a handler, requested through an overlay. */
  visit(path: string, overlay: string): Promise<unknown>
}

export async function startWebApp(options: WebAppOptions = {}): Promise<WebApp> {
  const certificates = options.protocol === 'HTTP/2' ? await makeCertificates() : undefined
  const entries = webEntries({ ...options, service: { ...tlsOf(certificates), ...options.service } })
  const app = await startApp({
    root: options.root ?? import.meta.dirname,
    entries: [...entries],
    overlays: options.overlays ?? [],
  })
  await app.until('app:web', 'Running')
  const id = entryId('app:web')
  const { host, port } = app.app.address(id)
  const url = certificates === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`
  const ca = certificates?.ca
  let agent = agentOf(ca)
  const disconnect = async () => {
    await agent.destroy()
    agent = agentOf(ca)
  }
  return {
    app,
    port,
    url,
    id,
    entry: entries[0] ?? { id: 'app:web', kind: 'http.service' },
    ca,
    fetch: async (path, init = {}) => undiciFetch(`${url}${path}`, { ...init, dispatcher: agent }),
    disconnect,
    visit: async (path, overlayNetwork) => {
      await using probe = await app.probe()
      return await probe.run(async () => (await http.get(`http://${host}:${port}${path}`, { overlayNetwork })).json())
    },
    async [Symbol.asyncDispose]() {
      await agent.destroy()
      await app.stop()
      await certificates?.[Symbol.asyncDispose]()
    },
  }
}

function agentOf(ca: string | undefined): Agent {
  return ca === undefined ? new Agent({ allowH2: false }) : new Agent({ allowH2: true, connect: { ca } })
}

function tlsOf(certificates: Certificates | undefined): Readonly<Record<string, unknown>> {
  if (certificates === undefined) return {}
  const { certFile, keyFile } = certificates.server
  return { tls: { cert: `file://${certFile}`, key: `file://${keyFile}` } }
}

function webEntries({
  service = {},
  router = {},
  endpoints = {},
  pool = 'inline',
  entries = [],
}: WebAppOptions): readonly WrittenEntry[] {
  const funcs = new Set(Object.values(endpoints).map(({ func }) => String(func)))
  return [
    { id: 'app:web', kind: 'http.service', addr: '127.0.0.1:0', lifecycle: { auto_start: true }, ...service },
    { id: 'app:router', kind: 'http.router', meta: { server: 'app:web' }, ...router },
    ...[...funcs].map((method) => ({
      id: `app:${method}`,
      kind: 'function.ts',
      source: 'file://fixtures/handlers.ts',
      method,
      pool,
    })),
    ...Object.entries(endpoints).map(([name, { func, ...fields }]) => ({
      id: `app:${name}-endpoint`,
      kind: 'http.endpoint',
      meta: { router: 'app:router' },
      func: `app:${String(func)}`,
      ...fields,
    })),
    ...entries,
  ]
}

/** The next chunk of a stream, as text. */
export async function nextData(stream: EventEmitter): Promise<string> {
  return new Promise((resolve) => {
    stream.once('data', (chunk) => {
      resolve(String(chunk))
    })
  })
}
