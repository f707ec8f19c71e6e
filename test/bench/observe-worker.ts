/** An application for `bench:observe`, in a program of its own: `on` is scraped every second, `off` is not observed. */
import { entryId } from '@troupe/core'
import { processes } from 'troupe'
import { boot } from 'troupe/app'
import { join } from 'node:path'
import { scaled } from './measure.ts'

const isOn = process.argv[2] === 'on'
const source = `file://${join(import.meta.dirname, 'http-app/src/handlers.ts')}`
const programs = `file://${join(import.meta.dirname, 'process-app/src/programs.ts')}`
const host = (name: string) => ({
  id: `bench:${name}`,
  kind: 'process.host',
  host: { isolation: 'shared', workers: 1 },
  lifecycle: { auto_start: true },
})
const app = await boot({
  root: import.meta.dirname,
  onLog: () => undefined,
  sections: isOn ? { metrics: { addr: '127.0.0.1:0' }, dead_letters: { payload: 4096 } } : {},
  entries: [
    host('one'),
    host('two'),
    ...['sink', 'flood', 'churn', 'nothing'].map((method) => ({
      id: `bench:${method}`,
      kind: 'process.ts',
      source: programs,
      method,
    })),
    { id: 'bench:web', kind: 'http.service', addr: '127.0.0.1:0', lifecycle: { auto_start: true } },
    { id: 'bench:router', kind: 'http.router', meta: { server: 'web' } },
    { id: 'bench:hello', kind: 'function.ts', source, method: 'hello', pool: 'inline' },
    { id: 'bench:at', kind: 'http.endpoint', meta: { router: 'router' }, path: '/inline', func: 'hello' },
  ],
})

const scrape = async () => {
  const response = await fetch(`http://127.0.0.1:${app.metricsPort}/metrics`).catch(() => undefined)
  await response?.text()
}
if (isOn) setInterval(() => void scrape(), 1000)

/** Messages a second from a process in `from` to one in `to`. */
async function oneWay(from: string, to: string, count: number): Promise<number> {
  const { pid: sink, exited } = await processes.spawnWatched('bench:sink', to, count)
  await processes.spawn('bench:flood', from, sink, count)
  const exit = await exited
  if ('error' in exit) throw exit.error
  return count / Number(exit.value)
}

async function figure(what: string): Promise<number> {
  switch (what) {
    case 'local':
      return oneWay('bench:one', 'bench:one', scaled(2_000_000, 8000))
    case 'across':
      return oneWay('bench:one', 'bench:two', scaled(2_000_000, 8000))
    case 'spawn':
      return Number(await processes.exec('bench:churn', 'bench:one', scaled(200_000, 2000), 64))
    case 'port':
      return app.address(entryId('bench:web')).port
    default:
      return 0
  }
}

process.on('message', (what: unknown) => {
  if (what === 'end') void app.stop().then(() => process.exit())
  else void app.run(async () => figure(typeof what === 'string' ? what : '')).then((value) => process.send?.(value))
})
process.on('disconnect', () => {
  process.exit()
})
