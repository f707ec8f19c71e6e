/** A server of the curve of connections, in its own program: prints its port and its process id. */
import { createServer } from 'node:http'
import { join } from 'node:path'
import { entryId } from '@troupe/core'
import { boot } from 'troupe/app'

async function ours(): Promise<number> {
  // The default, half of the program's limit of open files, is less than the bench opens, which also takes a while.
  const overrides = ['app:web:limits.connections=19900', 'app:web:timeouts.idle=10m']
  const app = await boot({ root: join(import.meta.dirname, '../http-app'), overrides, onLog: () => undefined })
  return app.address(entryId('app:web')).port
}

async function node(): Promise<number> {
  const server = createServer((_, response) => response.end('hello world'))
  server.keepAliveTimeout = 600_000
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', 4096, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
}

console.log(`${await (process.argv[2] === 'node' ? node() : ours())} ${process.pid}`)
process.stdin.resume().on('end', () => process.exit())
