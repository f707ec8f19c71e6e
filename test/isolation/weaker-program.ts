/**
 * For systems without user namespaces: prints what an isolated process is, what it can do, and what was logged. Its
 * argument is `require`, or nothing.
 */
import { join } from 'node:path'
import { processes } from 'troupe'
import { startApp } from 'troupe/test'

const sealed = process.argv[2] === 'require' ? { sealed: { require: 'namespaces' } } : {}
await using app = await startApp({
  root: join(import.meta.dirname, '../fixtures/isolation'),
  entries: [
    {
      id: 'app:host',
      kind: 'process.host',
      host: { isolation: 'process', spares: 0, ...sealed },
      lifecycle: { auto_start: true },
    },
    ...['look', 'files'].map((method) => ({
      id: `app:${method}`,
      kind: 'process.ts',
      source: 'file://programs.ts',
      method,
    })),
  ],
})
const outcome = await app.app.run(async () => {
  try {
    const look = await processes.exec('app:look', 'app:host')
    const files = await processes.exec('app:files', 'app:host', ['/etc/passwd'])
    return { look, files }
  } catch (error) {
    return String(error)
  }
})
process.stdout.write(JSON.stringify({ outcome, log: app.log, hostname: (await import('node:os')).hostname() }))
