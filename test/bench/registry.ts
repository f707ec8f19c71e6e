/**
 * `npm run bench:registry`: boot, changes, and the extra cost of a dial for routes that can be withdrawn. Medians; the
 * machine may be busy.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { entryId } from '@troupe/core'
import { networkKinds } from '@troupe/network/kernel'
import { MemoryHistory, openSqliteHistory, Registry, type History } from '@troupe/registry'
import { processes, registry } from 'troupe'
import { startApp } from 'troupe/test'
import { median, now, printTable, rounds, scaled } from './measure.ts'

const run = promisify(execFile)
const programs = join(import.meta.dirname, 'registry-programs.ts')

/**
 * Milliseconds from the start of a program to its end: the best of several runs, because other programs may use the
 * machine.
 */
async function lifetime(...argv: readonly string[]): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < scaled(9, 1); round += 1) {
    const start = now()
    await run(process.execPath, [...argv])
    best = Math.min(best, now() - start)
  }
  return best
}

/** A folder with an application of `count` entries, in files of a hundred. */
function writeApp(folder: string, count: number): void {
  mkdirSync(join(folder, 'src'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(folder, 'src/program.ts'), 'export function main(): void {}\n')
  const entry = (index: number) =>
    index % 2 === 0
      ? `  - { name: e${index}, kind: network.socks5, host: 127.0.0.1, port: ` +
        `${1 + index}, password: p, username: "\${env:BENCH_USER|u}" }\n`
      : `  - { name: e${index}, kind: process.ts, source: ` +
        `file://program.ts, meta: { options: { network: e${index - 1} } } }\n`
  for (let file = 0; file < count / 100; file += 1) {
    const entries = Array.from({ length: 100 }, (_, index) => entry(file * 100 + index))
    writeFileSync(join(folder, `src/${file}.yaml`), `version: "1.0"\nnamespace: app\nentries:\n${entries.join('')}`)
  }
}

/** Milliseconds for a change of one entry among 10,000. */
async function applyOne(history: History): Promise<number> {
  const large = new Registry({ kinds: networkKinds })
  const id = (index: number) => entryId(`app:e${index}`)
  const fields = (index: number) => ({
    host: '127.0.0.1',
    port: 1 + index,
    ...(index > 0 && { via: `e${index % 100}` }),
  })
  large.add(
    ...Array.from({ length: 100 }, (_, index) => ({
      id: id(index),
      kind: 'network.socks5',
      fields: { host: 'h', port: 1 },
    })),
  )
  large.add(
    ...Array.from({ length: 9_900 }, (_, index) => ({
      id: id(100 + index),
      kind: 'network.socks5',
      fields: fields(100 + index),
    })),
  )
  large.open(history)
  let port = 1
  const took = await rounds(200, async () => {
    port += 1
    const start = now()
    await large.apply([{ op: 'update', entry: { id: id(5_000), kind: 'network.socks5', host: '127.0.0.1', port } }])
    return now() - start
  })
  await large.close()
  return took
}

const figures: number[] = []
using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-bench-'))
writeApp(folder.path, 1_000)
const bare = await lifetime('--eval', '0')
const booted = await lifetime(join(import.meta.dirname, 'registry-boot.ts'), folder.path)
const inMemory = await applyOne(new MemoryHistory())
const inSqlite = await applyOne(await openSqliteHistory(join(folder.path, 'state/registry.db')))

// A proxy that accepts every request with success.
const sockets = new Set<Socket>()
const proxy = createServer((socket) => {
  sockets.add(socket)
  socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
  socket.once('data', () => {
    socket.write(Uint8Array.of(5, 0))
    socket.once('data', () => socket.write(Uint8Array.of(5, 0, 0, 1, 127, 0, 0, 1, 0, 0)))
  })
})
proxy.listen(0, '127.0.0.1')
await once(proxy, 'listening')
const address = proxy.address()
const port = typeof address === 'object' && address !== null ? address.port : 0
const overlay = (username: string) => ({
  id: 'app:proxy',
  kind: 'network.socks5',
  host: '127.0.0.1',
  port,
  username,
  password: 'p',
})

const app = await startApp({
  root: import.meta.dirname,
  entries: [
    { id: 'app:host', kind: 'process.host', lifecycle: { auto_start: true } },
    { id: 'app:looker', kind: 'process.ts', source: `file://${programs}`, method: 'looker' },
    { id: 'app:dialler', kind: 'process.ts', source: `file://${programs}`, method: 'dialler' },
    overlay('u0'),
  ],
})
const probe = await app.probe({ name: 'ear' })
const over = processes.withOptions({ network: 'app:proxy' })
const lookers = await Promise.all(
  Array.from({ length: 8 }, async () => probe.run(async () => over.spawn('app:looker', 'app:host'))),
)
for (let swap = 1; swap <= scaled(200, 5); swap += 1) {
  const ready = lookers.map(async (pid) => processes.call(pid, 'look', null))
  for (const _ of lookers) await probe.next({ topic: 'looking' })
  const start = now()
  await registry.apply([{ op: 'update', entry: overlay(`u${swap}`) }])
  for (const seen of await Promise.all(ready)) figures.push(Number(seen) - start)
}
const sorted = figures.toSorted((a, b) => a - b)
const p99 = sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN
for (const pid of lookers) await processes.cancel(pid, 'enough')
const dialler = await probe.run(async () => over.spawn('app:dialler', 'app:host'))
const look = Number(await processes.call(dialler, 'look', null))
const dial = Number(await processes.call(dialler, 'dial', null))
await app.stop()
for (const socket of sockets) socket.destroy()
proxy.close()

printTable('registry', [
  {
    what: 'boot of 1,000 entries, and the stop',
    figure: booted,
    unit: 'ms',
    peer: { name: 'bare Node', figure: bare },
    target: { text: '≤ 1 s over bare Node', met: booted - bare <= 1_000 },
  },
  { what: 'apply of one among 10,000', figure: inMemory, unit: 'ms', target: { text: '≤ 5 ms', met: inMemory <= 5 } },
  { what: 'the same, history in SQLite', figure: inSqlite, unit: 'ms', target: { text: '≤ 5 ms', met: inSqlite <= 5 } },
  { what: 'swap seen in 8 threads, median', figure: median(figures), unit: 'ms' },
  { what: 'swap seen in 8 threads, p99', figure: p99, unit: 'ms', target: { text: '≤ 10 ms', met: p99 <= 10 } },
  {
    what: 'route of a dial, looked up',
    figure: look,
    unit: 'µs',
    peer: { name: 'the dial', figure: dial },
    target: { text: '≤ 1 % of a dial', met: look <= dial / 100 },
  },
])
