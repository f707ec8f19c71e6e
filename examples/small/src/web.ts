import { start } from 'troupe'

const port = process.env['PORT'] ?? 8377
const source = new URL('counter.ts', import.meta.url)
await start({
  services: { counter: { source, restart: { initial_delay: '50ms' } } },
  functions: { visits: { source, method: 'endpoint', pool: 'inline' } },
  entries: [
    { id: 'app:web', kind: 'http.service', addr: `127.0.0.1:${port}`, lifecycle: { auto_start: true } },
    { id: 'app:api', kind: 'http.router', meta: { server: 'web' } },
    { id: 'app:get', kind: 'http.endpoint', meta: { router: 'api' }, method: 'GET', path: '/{topic}', func: 'visits' },
  ],
})
