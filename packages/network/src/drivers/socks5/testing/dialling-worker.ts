/**
 * For tests: a thread that dials through a proxy until spares are open, and has nothing else to do. The proxy's name
 * has two addresses, and the first refuses connections.
 */
import dns from 'node:dns'
import { once } from 'node:events'
import { syncBuiltinESMExports } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'
import { route, target } from './sample.ts'

Object.assign(dns, {
  lookup: (_host: string, _options: unknown, done: (error: null, found: readonly dns.LookupAddress[]) => void) => {
    done(
      null,
      ['127.0.0.2', '127.0.0.1'].map((address) => ({ address, family: 4 })),
    )
  },
})
syncBuiltinESMExports()
const { dial } = await import('../../../dial/dial.ts')

const way = route({ port: Number(workerData) }, { host: 'proxy.test', spares: 4 })
const socket = await dial(way, target)
socket.destroy()
if (parentPort) await once(parentPort, 'message')
parentPort?.unref()
