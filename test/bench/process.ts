/**
 * `npm run bench:process`: processes against bare Node in the same run. Ratios and medians; the machine may be busy.
 */
import { type Pid, processes } from 'troupe'
import { type Application, boot } from 'troupe/app'
import { type Line, now, printTable, rounds, scaled } from './measure.ts'
import { bareWorker, bareWorkerMemory, rawOneWay, rawPingPong } from './process-floor.ts'

const root = new URL('./process-app', import.meta.url).pathname
const one = 'bench:one'
const two = 'bench:two'

async function figure(program: string, host: string, ...args: unknown[]): Promise<number> {
  return Number(await processes.exec(`bench:${program}`, host, ...args))
}

/** Milliseconds in which the next spare thread is warm. */
const refill = scaled(600, 200)

/** Milliseconds from `spawn` to the first line of user code. */
async function spawnTime(host: string, pause: number): Promise<number> {
  return rounds(25, async () => {
    await new Promise((resolve) => setTimeout(resolve, pause))
    const start = now()
    return (await figure('stamp', host)) - start
  })
}

/** Bytes of this program's memory for each idle thread process. */
async function threadMemory(count: number): Promise<number> {
  globalThis.gc?.()
  const before = process.memoryUsage.rss()
  const pids: Pid[] = []
  for (let i = 0; i < count; i += 1) pids.push(await processes.spawn('bench:idle', 'bench:cold'))
  await Promise.all(pids.map(async (pid) => processes.call(pid, 'hello')))
  const after = process.memoryUsage.rss()
  await Promise.all(pids.map(async (pid) => processes.terminate(pid)))
  return (after - before) / count
}

/** Messages a second from `senders` processes in `from` to one in `to`. */
async function oneWay(from: string, to: string, senders: number, count: number): Promise<number> {
  return rounds(5, async () => {
    const { pid: sink, exited: exit } = await processes.spawnWatched('bench:sink', to, count)
    for (let i = 0; i < senders; i += 1) await processes.spawn('bench:flood', from, sink, count / senders)
    const ended = await exit
    if ('error' in ended) throw ended.error
    return count / Number(ended.value)
  })
}

async function pingPong(host: string, trips: number, spawner = processes.withContext({})): Promise<number> {
  return rounds(5, async () => {
    // In the network of its writer: messages do not cross from one network to another.
    const echo = await spawner.spawn('bench:echo', host)
    const rate = Number(await spawner.exec('bench:ping', one, echo, trips))
    await processes.terminate(echo)
    return rate
  })
}

function target(text: string, met: boolean): NonNullable<Line['target']> {
  return { text, met }
}

async function threads(): Promise<Line[]> {
  const bare = await bareWorker()
  const warm = await spawnTime('bench:threads', refill)
  const preloaded = await spawnTime('bench:preloaded', refill)
  const cold = await spawnTime('bench:cold', 0)
  const again = await restart()
  const bareMemory = await bareWorkerMemory(scaled(10, 2))
  const memory = await threadMemory(scaled(10, 2))
  return [
    {
      what: 'thread, warm: spawn to user code',
      figure: warm,
      unit: 'ms',
      peer: { name: 'bare Worker', figure: bare },
      target: target('≤ 1 ms', warm <= 1),
    },
    {
      what: 'thread, warm, module preloaded',
      figure: preloaded,
      unit: 'ms',
      peer: { name: 'bare Worker', figure: bare },
      target: target('≤ 1 ms', preloaded <= 1),
    },
    {
      what: 'thread, cold: spawn to user code',
      figure: cold,
      unit: 'ms',
      peer: { name: 'bare Worker', figure: bare },
      target: target('≤ 1.15 ×', cold <= 1.15 * bare),
    },
    {
      what: 'thread: memory of an idle process',
      figure: memory / 1e6,
      unit: 'MB',
      peer: { name: 'bare Worker', figure: bareMemory / 1e6 },
      target: target('≤ 1.4 ×', memory <= 1.4 * bareMemory),
    },
    {
      what: 'thread killed to service replying, beyond its delay',
      figure: again,
      unit: 'ms',
      target: target('≤ 3 ms', again <= 3),
    },
  ]
}

async function shared(): Promise<Line[]> {
  const churn = await rounds(5, async () => figure('churn', one, scaled(100_000, 500), 100))
  const crash = await figure('crashes', one, scaled(3000, 50))
  return [
    { what: 'shared: spawnMonitored to EXIT', figure: churn, unit: '/s', target: target('≥ 250k/s', churn >= 250_000) },
    { what: 'shared: crash to EXIT', figure: crash, unit: 'µs', target: target('≤ 20 µs', crash <= 20) },
  ]
}

/**
 * Milliseconds from the end of a service's thread until the service runs again and replies, in addition to its restart
 * delay of 10 ms.
 */
async function restart(): Promise<number> {
  return rounds(15, async () => {
    await new Promise((resolve) => setTimeout(resolve, refill))
    const before = await processes.names.lookup('bench:service')
    if (before === undefined) throw new Error('the service does not run')
    const exit = processes.exited(before)
    await processes.terminate(before)
    await exit
    const start = now()
    let after: Pid | undefined
    while (after === undefined || after === before) after = await processes.names.lookup('bench:service')
    await processes.call(after, 'hello')
    return now() - start - 10
  })
}

/** Last, because the garbage that it leaves slows down its thread's collector. */
async function crowded(): Promise<Line[]> {
  const crowd = await figure('crowd', one, scaled(200_000, 1000))
  return [
    {
      what: 'shared: heap of an idle process, 200,000 live',
      figure: crowd / 1024,
      unit: 'KB',
      target: target('≤ 4 KB', crowd <= 4096),
    },
  ]
}

async function messages(): Promise<Line[]> {
  const raw = await rounds(5, async () => rawPingPong(scaled(20_000, 500)))
  const floor = await rounds(5, async () => rawOneWay(scaled(1_000_000, 10_000), 100))
  const pingSame = await pingPong(one, scaled(300_000, 1000))
  const framed = processes.withOptions({ network: 'bench:proxy' }).withContext({ user: 'ann', request: 7 })
  const pingFramed = await pingPong(one, scaled(300_000, 1000), framed)
  const pingTwo = await pingPong(two, scaled(20_000, 500))
  const waySame = await oneWay(one, one, 1, scaled(1_000_000, 8000))
  const wayTwo = await oneWay(one, two, 1, scaled(1_000_000, 8000))
  const eight = await oneWay(one, one, 8, scaled(1_000_000, 8000))
  const ports = { name: 'raw ports', figure: raw }
  return [
    { what: 'ping-pong, same thread', figure: pingSame, unit: '/s', target: target('≥ 1M/s', pingSame >= 1e6) },
    {
      what: 'the same in a frame with overlay and values',
      figure: pingFramed,
      unit: '/s',
      peer: { name: 'plain', figure: pingSame },
      target: target('≥ 0.85 ×', pingFramed >= 0.85 * pingSame),
    },
    {
      what: 'ping-pong, two threads',
      figure: pingTwo,
      unit: '/s',
      peer: ports,
      target: target('≥ 0.9 ×', pingTwo >= 0.9 * raw),
    },
    { what: 'one way, same thread', figure: waySame, unit: '/s', target: target('≥ 4M/s', waySame >= 4e6) },
    {
      what: 'one way, two threads',
      figure: wayTwo,
      unit: '/s',
      peer: { name: 'raw ports in batches', figure: floor },
      target: target('≥ 3M/s', wayTwo >= 3e6),
    },
    { what: '8 senders to one, same thread', figure: eight, unit: '/s', target: target('≥ 2.5M/s', eight >= 2.5e6) },
  ]
}

async function main(app: Application): Promise<void> {
  await app.run(async () => {
    const lines = [...(await threads()), ...(await shared()), ...(await messages()), ...(await crowded())]
    printTable('Processes', lines)
  })
}

await using app = await boot({ root, onLog: () => undefined })
await main(app)
