/** Is killed while a process of its own holds a connection that it does not take. Prints the ids of that process. */
import { readdir, readFile } from 'node:fs/promises'
import net from 'node:net'
import { join } from 'node:path'
import { processes } from 'troupe'
import { startApp } from 'troupe/test'

const app = await startApp({
  root: join(import.meta.dirname, '../fixtures/isolation'),
  entries: [
    {
      id: 'app:host',
      kind: 'process.host',
      host: { isolation: 'process', spares: 0 },
      lifecycle: { auto_start: true },
    },
    { id: 'app:hold', kind: 'process.ts', source: 'file://forged.ts', method: 'hold' },
  ],
})

async function childrenOf(pid: number): Promise<readonly number[]> {
  const tasks = await readdir(`/proc/${pid}/task`)
  const lists = await Promise.all(tasks.map(async (task) => readFile(`/proc/${pid}/task/${task}/children`, 'utf8')))
  return lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number))
}

const server = net.createServer()
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  void app.app.run(async () => processes.spawn('app:hold', 'app:host', port, 8))
})
let connections = 0
server.on('connection', () => {
  connections += 1
  if (connections === 8) void end()
})

async function end(): Promise<void> {
  const launchers = await childrenOf(process.pid)
  const inner = await Promise.all(launchers.map(childrenOf))
  process.stdout.write(JSON.stringify([...launchers, ...inner.flat()]), () => {
    process.kill(process.pid, 'SIGKILL')
  })
}
