/** An application with metrics; as a program: arguments are the folder and the port. */
import { readConfig } from '@troupe/registry'
import { type Application, boot as bootApplication } from 'troupe/app'

const quiet = () => undefined

/** Boots the application of the fixtures, with a free port for metrics. */
export async function boot(root: string, metrics: object = {}): Promise<Application> {
  return bootApplication({
    root,
    network: null,
    onLog: quiet,
    sections: { metrics: { addr: '127.0.0.1:0', ...metrics } },
    entries: [
      {
        id: 'app:shared',
        kind: 'process.host',
        host: { isolation: 'shared', workers: 1 },
        lifecycle: { auto_start: true },
      },
      { id: 'app:web', kind: 'http.service', addr: '127.0.0.1:0', lifecycle: { auto_start: true } },
      { id: 'app:router', kind: 'http.router', meta: { server: 'web' } },
      { id: 'app:answers', kind: 'function.ts', source: 'file://work.ts', method: 'answers', pool: 'inline' },
      { id: 'app:at', kind: 'http.endpoint', meta: { router: 'router' }, path: '/items/{item}', func: 'answers' },
      ...['parent', 'child', 'many', 'short'].map((method) => ({
        id: `app:${method}`,
        kind: 'process.ts',
        source: 'file://work.ts',
        method,
      })),
    ],
  })
}

/** The config with a section `metrics`. */
export async function loadConfig(root: string, metrics: object) {
  return readConfig(root, { sections: { metrics } })
}

const [, program, root, port] = process.argv
if (program === import.meta.filename && root !== undefined) {
  const app = await boot(root, { addr: `127.0.0.1:${port}` })
  await app.stop()
}
