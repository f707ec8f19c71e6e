/**
 * Threads with options of their own, one of which names a module: each prints whether a connection of it reached the
 * proxy (`ECONNREFUSED` of a dead one), and nothing else is printed.
 */
import { once } from 'node:events'
import { join } from 'node:path'
import { SHARE_ENV, Worker, type WorkerOptions } from 'node:worker_threads'

const module = join(import.meta.dirname, 'connect.cjs')
const options: readonly WorkerOptions[] = [
  {},
  { env: {} },
  { execArgv: [] },
  { env: SHARE_ENV, execArgv: [] },
  { env: { NODE_OPTIONS: `--require ${module}` } },
  { execArgv: ['--require', module] },
]
/** Node reads it while it constructs a thread: another thread that shares the environment may change it just then. */
const resourceLimits = {
  get stackSizeMb() {
    delete process.env['NODE_OPTIONS']
    return 4
  },
}
for (const each of options.slice(0, 4))
  await once(new Worker(`require(${JSON.stringify(module)})`, { ...each, resourceLimits, eval: true }), 'exit')
for (const each of options)
  await once(new Worker(`require(${JSON.stringify(module)})`, { ...each, eval: true }), 'exit')
