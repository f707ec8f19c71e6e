/** An application with one server on loopback, of entries alone. */
import { entryId } from '@troupe/core'
import { startApp, type TestApp, type TestEntry } from 'troupe/test'

export interface WebAppOptions {
  /** Fields of the `http.service` `app:web`. */
  readonly service?: Readonly<Record<string, unknown>>
  /** Fields of `http.endpoint` entries by their names; `func` is an export of `fixtures/handlers.ts`. */
  readonly endpoints?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  /** How functions run. */
  readonly pool?: unknown
  readonly entries?: readonly TestEntry[]
}

export interface WebApp extends AsyncDisposable {
  readonly app: TestApp
  readonly port: number
  readonly url: string
}

export async function startWebApp(options: WebAppOptions = {}): Promise<WebApp> {
  const app = await startApp({ root: import.meta.dirname, entries: [...webEntries(options)] })
  await app.until('app:web', 'Running')
  const { port } = app.app.address(entryId('app:web'))
  return {
    app,
    port,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      await app.stop()
    },
  }
}

function webEntries({ service = {}, endpoints = {}, pool = 'inline', entries = [] }: WebAppOptions): readonly TestEntry[] {
  const funcs = new Set(Object.values(endpoints).map(({ func }) => String(func)))
  return [
    { id: 'app:web', kind: 'http.service', addr: '127.0.0.1:0', lifecycle: { auto_start: true }, ...service },
    { id: 'app:router', kind: 'http.router', meta: { server: 'app:web' } },
    ...[...funcs].map((method) => ({ id: `app:${method}`, kind: 'function.ts', source: 'file://fixtures/handlers.ts', method, pool })),
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
