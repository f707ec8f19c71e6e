/**
 * `npm run bench:isolation`: operating-system processes (`isolation: process`) against threads in the same run. Needs
 * the launcher. On a busy machine, run it with `chrt -r 5`: the ratios hold, the times do not.
 */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { WrittenEntry } from '@troupe/registry'
import { funcs, processes } from 'troupe'
import { type Application, boot } from 'troupe/app'
import { type Line, now, printTable, rounds, scaled } from './measure.ts'
import { useLauncher } from '../peers/launcher.ts'

const hosts = {
  threads: 'bench:threads',
  warmThreads: 'bench:warm_threads',
  processes: 'bench:processes',
  warmProcesses: 'bench:warm_processes',
}
const settings: Readonly<Record<string, object>> = {
  [hosts.threads]: { spares: 0 },
  [hosts.warmThreads]: { spares: 1 },
  [hosts.processes]: { isolation: 'process', spares: 0 },
  [hosts.warmProcesses]: { isolation: 'process', spares: 1 },
}
const source = 'file://src/programs.ts'
const lifecycle = { auto_start: true }
const entries: readonly WrittenEntry[] = [
  ...Object.entries(settings).map(([id, host]) => ({
    id,
    kind: 'process.host',
    host,
    lifecycle,
  })),
  ...['stamp', 'sink', 'flood', 'replier', 'caller', 'dials'].map((method) => ({
    id: `bench:${method}`,
    kind: 'process.ts',
    source,
    method,
  })),
  ...[{ sealed: true, max: 1 }, { max: 1 }].map((pool) => ({
    id: pool.sealed === true ? 'bench:sealed' : 'bench:pooled',
    kind: 'function.ts',
    source,
    method: 'nothing',
    pool,
  })),
]
/** Milliseconds in which a spare becomes ready. */
const refill = 700

async function figure(program: string, host: string, ...args: unknown[]): Promise<number> {
  return Number(await processes.exec(`bench:${program}`, host, ...args))
}

/** Milliseconds from `spawn` to the first line of user code. */
async function spawnTime(host: string, pause: number): Promise<number> {
  return rounds(12, async () => {
    await new Promise((resolve) => setTimeout(resolve, scaled(pause, 0)))
    const start = now()
    return (await figure('stamp', host)) - start
  })
}

async function oneWay(from: string, to: string): Promise<number> {
  const count = scaled(1_000_000, 5000)
  return rounds(3, async () => {
    const sink = await processes.spawn('bench:sink', to, count)
    const exit = processes.exited(sink)
    await processes.spawn('bench:flood', from, sink, count)
    const ended = await exit
    if ('error' in ended) throw ended.error
    return count / Number(ended.value)
  })
}

/** Microseconds of a call. */
async function callTime(from: string, to: string): Promise<number> {
  return rounds(3, async () => {
    const echo = await processes.spawn('bench:replier', to)
    const time = await figure('caller', from, echo, scaled(5000, 50))
    await processes.terminate(echo)
    return time
  })
}

/** Microseconds of a function call, from a thread. */
async function functionTime(id: string): Promise<number> {
  await funcs.call(id)
  return rounds(3, async () => {
    const count = scaled(2000, 20)
    const start = now()
    for (let n = 0; n < count; n += 1) await funcs.call(id)
    return ((now() - start) * 1000) / count
  })
}

function line(what: string, unit: string, [own, peer]: readonly [number, number], text: string, met: boolean): Line {
  return { what, figure: own, unit, peer: { name: 'threads', figure: peer }, target: { text, met } }
}

async function main(app: Application): Promise<void> {
  await app.run(async () => {
    const cold = [await spawnTime(hosts.processes, 0), await spawnTime(hosts.threads, 0)] as const
    const warm = [await spawnTime(hosts.warmProcesses, refill), await spawnTime(hosts.warmThreads, 100)] as const
    const between = await oneWay(hosts.threads, hosts.threads)
    const down = await oneWay(hosts.threads, hosts.processes)
    const up = await oneWay(hosts.processes, hosts.threads)
    const threadCall = await callTime(hosts.threads, hosts.threads)
    const call = await callTime(hosts.threads, hosts.processes)
    const connections = await dials()
    const functions = [await functionTime('bench:sealed'), await functionTime('bench:pooled')] as const
    printTable('Operating-system processes', [
      line('cold: spawn to user code', 'ms', cold, '≤ 150 ms', cold[0] <= 150),
      line('warm: spawn to user code', 'ms', warm, '≤ 3 ms', warm[0] <= 3),
      line('one way, thread to process', '/s', [down, between], '≥ 1M/s', down >= 1e6),
      line('one way, process to thread', '/s', [up, between], '≥ 1M/s', up >= 1e6),
      line('call, thread to process', 'µs', [call, threadCall], '≤ 3 ×', call <= 3 * threadCall),
      line('connection', 'ms', connections, '≤ 0.3 ms more', connections[0] - connections[1] <= 0.3),
      {
        what: 'call of a function in a sealed pool',
        figure: functions[0],
        unit: 'µs',
        peer: { name: 'pool of threads', figure: functions[1] },
      },
    ])
  })
}

/** Milliseconds of a connection to a server here, from a process and from a thread. */
async function dials(): Promise<readonly [number, number]> {
  const server = createServer((socket) => socket.on('error', () => undefined))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const own = await figure('dials', hosts.processes, port, scaled(300, 5))
  const peer = await figure('dials', hosts.threads, port, scaled(300, 5))
  server.close()
  return [own, peer]
}

if (process.allowedNodeEnvironmentFlags.has('--allow-net')) {
  await useLauncher()
  await using app = await boot({ root: join(import.meta.dirname, 'process-app'), entries, onLog: () => undefined })
  await main(app)
} else printTable('Operating-system processes need Node 26', [{ what: 'none', figure: 0, unit: '' }])
