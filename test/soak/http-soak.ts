/**
 * `npm run soak:http`: hostile clients abort, reset, read slowly, send heads and upgrades, while routes are swapped and
 * threads of pools die, for `SOAK_SECONDS` (600). Then the services must respond as before, no thread, stream, timer or
 * socket may be left, and the memory must be released.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { entryId } from '@troupe/core'
import { registry } from 'troupe'
import { serviceIds, type Services, startServices } from './services.ts'

const seconds = Number(process.env['SOAK_SECONDS'] ?? 600)
/** Bytes that the heap may keep: compiled code, bounded caches. */
const slack = 40_000_000

const swaps = { count: 0 }

/** Replaces a route while requests are in progress. */
async function swap(): Promise<void> {
  swaps.count += 1
  const entry = {
    id: 'soak:swapped',
    kind: 'http.endpoint',
    meta: { router: 'soak:clear' },
    path: `/swapped-${swaps.count}`,
    func: 'soak:inline',
  }
  await registry.apply([{ op: swaps.count === 1 ? 'create' : 'update', entry }])
}

async function answers(port: number): Promise<void> {
  for (const path of ['/pool', '/inline', `/swapped-${swaps.count}`, '/files/handlers.ts']) {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(20_000) })
    await response.arrayBuffer()
    if (response.status !== 200) throw new Error(`${path} answers ${response.status}`)
  }
}

/** Returns by how much the memory has grown in the second half: in the first, code is compiled and caches fill. */
async function soak({ clear, secure, ca, memory }: Services): Promise<number> {
  await swap()
  await answers(clear)
  const half = async () => {
    const swapping = setInterval(() => void swap(), 100)
    await attack(seconds / 2, clear, secure, ca).finally(() => {
      clearInterval(swapping)
    })
    await settled()
    await answers(clear)
    return memory()
  }
  const first = await half()
  return (await half()) - first
}

/** In a separate process, so that its memory does not count as the services'. */
async function attack(time: number, clear: number, secure: number, ca: string): Promise<void> {
  const child = fork(new URL('./hostile-clients.ts', import.meta.url), [String(time), String(clear), String(secure)], {
    env: { ...process.env, SOAK_CA: ca },
  })
  const ends: readonly unknown[] = await once(child, 'exit')
  const code = ends[0]
  if (code !== 0) throw new Error(`the hostile clients ended with ${String(code)}`)
}

/** Abandoned connections are closed in time, and unneeded threads end. */
async function settled(): Promise<void> {
  const patience = Date.now() + 20_000
  while (sockets() > 2 && Date.now() < patience) await pause(200)
}

/** The last messages of a thread are read after its end: until then it is in the kernel's table. */
async function ended(): Promise<void> {
  const patience = Date.now() + 20_000
  while (app.kernel.threads.size > 1 && Date.now() < patience) await pause(200)
  await pause(500)
}

function sockets(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind.startsWith('TCPSocket') || kind === 'TLSWrap').length
}

await using services = await startServices()
const { app } = services
const grown = await app.run(async () => soak(services))
const attempts = serviceIds.map((id) => app.service(entryId(id)).attempts)
const open = app.kernel.threads.size
await app.stop()
await ended()
const left = process.getActiveResourcesInfo().filter((kind) => !['TTYWrap', 'PipeWrap', 'FSReqCallback'].includes(kind))

console.log(`routes swapped ${swaps.count} times; threads before the end ${open}, after it ${app.kernel.threads.size}`)
console.log(`memory grown by ${(grown / 1e6).toFixed(0)} MB; resources left: ${JSON.stringify(left)}`)
const problems = [
  ...(attempts.some((count) => count > 0) ? [`services were started again: ${attempts.join(', ')}`] : []),
  ...(app.kernel.threads.size > 1 ? ['threads are left'] : []),
  ...(left.length > 1 ? [`resources are left: ${left.join(', ')}`] : []),
  ...(grown > slack ? [`the memory has grown by ${(grown / 1e6).toFixed(0)} MB`] : []),
]
for (const problem of problems) console.error(problem)
process.exitCode = problems.length > 0 ? 1 : 0
