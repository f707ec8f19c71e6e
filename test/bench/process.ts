import { entryId } from '@troupe/core'
import { processes } from 'troupe'
import { boot } from 'troupe/app'
const only = process.argv[2]
const app = await boot({ root: new URL('./process-app', import.meta.url).pathname, onLog: (l) => process.env.LOG && console.error(l) })
const now = () => performance.timeOrigin + performance.now()
const median = (xs: number[]) => xs.toSorted((a, b) => a - b)[Math.floor(xs.length / 2)] ?? Number.NaN
const sleep = (ms: number) => new Promise((r) => setTimeout(r, ms))
const benches: Record<string, () => Promise<unknown>> = {
  async warm() { const ts: number[] = []; for (let i = 0; i < 30; i++) { await sleep(60); const t = now(); ts.push((await processes.exec('bench:stamp', 'bench:threads') as number) - t) } return median(ts).toFixed(2) + ' ms' },
  async cold() { const ts: number[] = []; for (let i = 0; i < 20; i++) { const t = now(); ts.push((await processes.exec('bench:stamp', 'bench:cold') as number) - t) } return median(ts).toFixed(2) + ' ms' },
  async churn() { return Math.round(await processes.exec('bench:churn', 'bench:one', 100000, 100) as number) },
  async crashes() { return median(await processes.exec('bench:crashes', 'bench:one', 3000) as number[]).toFixed(1) + ' us' },
  async pingSame() { const e = await processes.spawn('bench:echo', 'bench:one'); return Math.round(await processes.exec('bench:ping', 'bench:one', e, 300000) as number) },
  async pingTwo() { const e = await processes.spawn('bench:echo', 'bench:two'); return Math.round(await processes.exec('bench:ping', 'bench:one', e, 30000) as number) },
  async oneWaySame() { const n = 1000000; const s = processes.exec('bench:idle', 'bench:one'); void s; const sink = await processes.spawn('bench:sink', 'bench:one', n); const done = processes.exited(sink); void processes.exec('bench:flood', 'bench:one', sink, n); const x = await done; return 'value' in x ? Math.round(n / (x.value as number)) : x },
  async oneWayTwo() { const n = 1000000; const sink = await processes.spawn('bench:sink', 'bench:two', n); const done = processes.exited(sink); void processes.exec('bench:flood', 'bench:one', sink, n); const x = await done; return 'value' in x ? Math.round(n / (x.value as number)) : x },
  async eight() { const n = 1000000; const sink = await processes.spawn('bench:sink', 'bench:one', n); const done = processes.exited(sink); for (let i = 0; i < 8; i++) void processes.exec('bench:flood', 'bench:one', sink, n / 8); const x = await done; return 'value' in x ? Math.round(n / (x.value as number)) : x },
  async crowd() { return processes.exec('bench:crowd', 'bench:one', 200000) },
}
await app.run(async () => { for (const [name, f] of Object.entries(benches)) { if (only && only !== name) continue; for (let i = 0; i < 2; i++) console.log(name, await f()) } })
await app.stop()
