/**
 * An application with a guarded and a sealed host, for the benchmark of the guard: arguments
 * `<host> <port of HTTP> <proxy>`. Each input line names a workload, a host and the way. For each it prints a figure:
 * µs of time an operation, or milliseconds to the first line of user code.
 */
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { processes } from 'troupe'
import { startApp } from 'troupe/test'
import { now, scaled } from './measure.ts'

const [host = '', port = '', proxy = '', proxyPort = ''] = process.argv.slice(2)
const kinds = ['guarded', 'sealed'] as const
const sealable = process.allowedNodeEnvironmentFlags.has('--allow-net')
const hosts = kinds.slice(0, sealable ? 2 : 1).flatMap((network) => [
  {
    id: `bench:${network}`,
    kind: 'process.host',
    host: { network, spares: 1, preload: ['begun'] },
    lifecycle: { auto_start: true },
  },
  { id: `bench:${network}_cold`, kind: 'process.host', host: { network, spares: 0 }, lifecycle: { auto_start: true } },
])
await using app = await startApp({
  root: join(import.meta.dirname, 'guard-app/src'),
  entries: [
    ...hosts,
    { id: 'bench:proxy', kind: 'network.socks5', host: proxy, port: Number(proxyPort) },
    ...['connects', 'requests', 'begun'].map((method) => ({
      id: `bench:${method}`,
      kind: 'process.ts',
      source: 'file://programs.ts',
      method,
    })),
  ],
})

/** Long enough for a spare thread to be warm again. */
const refill = 1500
const workloads: Readonly<Record<string, (on: string, network: string | null) => Promise<number>>> = {
  connects: async (on, network) => timed('connects', scaled(300, 10), on, network),
  requests: async (on, network) => timed('requests', scaled(1500, 10), on, network),
  start: async (on) => started(`${on}_cold`),
  warm: async (on) => {
    await pause(refill)
    return started(on)
  },
}

async function timed(method: string, count: number, on: string, network: string | null): Promise<number> {
  const run = async (times: number) => {
    const began = performance.now()
    await processes.withOptions({ network }).exec(`bench:${method}`, on, times, Number(port), host)
    return performance.now() - began
  }
  // For a process that does little, the time of its start dominates.
  const little = await run(20)
  const much = await run(20 + count)
  return ((much - little) * 1000) / count
}

async function started(on: string): Promise<number> {
  const began = now()
  return Number(await processes.exec('bench:begun', on)) - began
}

for await (const line of createInterface(process.stdin)) {
  const [workload = '', on = '', way = ''] = line.split(' ')
  const figure = await app.app.run(async () =>
    workloads[workload]?.(`bench:${on}`, way === 'overlay' ? 'bench:proxy' : null),
  )
  console.log(figure)
}
