/** An application with a dashboard, and clients of it. */
import { once } from 'node:events'
import { mkdtempDisposableSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Application, attachFiles, boot, type DashboardPlace } from 'troupe/app'
import { z } from 'zod'

export const root = fileURLToPath(new URL('../fixtures/observe', import.meta.url))
const work = (method: string) => ({ id: `app:${method}`, kind: 'process.ts', source: 'file://work.ts', method })
const hosted = { kind: 'process.host', lifecycle: { auto_start: true } }

const entries = [
  { id: 'app:threads', ...hosted, host: { isolation: 'thread', spares: 0 } },
  { id: 'app:shared', ...hosted, host: { isolation: 'shared', workers: 1, max_processes: 20_000 } },
  ...['counts', 'parent', 'child', 'holds', 'fails'].map(work),
  { id: 'app:adds', kind: 'function.ts', source: 'file://work.ts', method: 'adds', pool: { min: 0, max: 2 } },
  {
    id: 'app:counter',
    kind: 'process.service',
    process: 'app:counts',
    host: 'app:threads',
    lifecycle: { auto_start: true },
  },
]

export interface DashboardOptions {
  readonly dashboard?: object
  readonly entries?: readonly object[]
  /** Further sections of the configuration. */
  readonly sections?: object
}

/** A running application with a dashboard. */
export interface Scene extends AsyncDisposable {
  readonly app: Application
  readonly log: readonly string[]
  readonly place: DashboardPlace
  readonly port: number
  /** A request of a program: with a token, and without an origin. */
  request(path: string, init?: RequestInit & { readonly token?: string }): Promise<Response>
  act(action: object, token?: string): Promise<Response>
}

/** Starts the application of the fixtures with a dashboard at a free port. */
export async function startScene({
  dashboard = {},
  entries: more = [],
  sections = {},
}: DashboardOptions = {}): Promise<Scene> {
  await using stack = new AsyncDisposableStack()
  const state = stack.use(mkdtempDisposableSync(join(tmpdir(), 'troupe-dashboard-')))
  const log: string[] = []
  const app = await boot({
    root,
    network: null,
    onLog: (line) => log.push(line),
    sections: {
      ...sections,
      network_service: { state_dir: state.path },
      dashboard: { addr: '127.0.0.1:0', ...dashboard },
    },
    entries: [...entries, ...more].map((entry) => written.parse(entry)),
  })
  stack.defer(async () => app.stop())
  const text = readFileSync(attachFiles(app.config.networkService.stateDir, process.pid).dashboard, 'utf8')
  const place = placeShape.parse(JSON.parse(text))
  const request: Scene['request'] = async (path, { token, headers, ...init } = {}) =>
    fetch(new URL(path, place.url), {
      ...init,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...z.record(z.string(), z.string()).parse(headers ?? {}),
      },
    })
  const started = stack.move()
  return {
    app,
    log,
    place,
    port: place.url.startsWith('unix:') ? 0 : Number(new URL(place.url).port),
    request,
    act: async (action, token = place.operator) =>
      request('/actions', {
        method: 'POST',
        token,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(action),
      }),
    [Symbol.asyncDispose]: async () => started.disposeAsync(),
  }
}

const written = z.looseObject({ id: z.string(), kind: z.string() })
const placeShape = z.strictObject({ url: z.string(), operator: z.string(), reader: z.string() })

/** All that a server sends back on a connection. */
export async function raw(port: number, request: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(request)
  let all = ''
  socket.on('data', (chunk: Buffer) => (all += chunk.toString('latin1')))
  socket.on('error', () => undefined)
  await once(socket, 'close')
  return all
}

/** The events of a page that looks. */
export class Events implements AsyncDisposable {
  readonly all: z.output<typeof event>[] = []
  readonly lines: string[] = []
  readonly #controller = new AbortController()
  readonly ended: Promise<void>

  constructor(scene: Scene, token: string) {
    this.ended = this.#read(scene, token).catch(() => undefined)
  }

  last(type: string): z.output<typeof event> | undefined {
    return this.all.findLast((each) => each.type === type)
  }

  async #read(scene: Scene, token: string): Promise<void> {
    const { body } = await scene.request('/events', { token, signal: this.#controller.signal })
    let rest = ''
    for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      this.lines.push(...lines)
      this.all.push(...lines.map((line) => event.parse(JSON.parse(line))))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#controller.abort()
    await this.ended
  }
}

const service = z.looseObject({ id: z.string(), state: z.string() })
const event = z.looseObject({
  type: z.string(),
  role: z.string().optional(),
  isWhole: z.boolean().optional(),
  silence: z.number().optional(),
  services: z.array(service).optional(),
  changes: z.array(service).optional(),
  rows: z.array(z.looseObject({ pid: z.string(), entry: z.string() })).optional(),
  gone: z.array(z.string()).optional(),
  lines: z.array(z.looseObject({ text: z.string() })).optional(),
})
