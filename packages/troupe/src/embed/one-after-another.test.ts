/** Applications one after the other, and side by side, in one program: each leaves the program as it was. */
import { once as event } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import { threadId } from 'node:worker_threads'
import { expect, it } from 'vitest'
import { funcs, processes, start } from '../index.ts'

const images = new URL('fixtures/images.ts', import.meta.url)
const service = new URL('fixtures/service.ts', import.meta.url)
const options = {
  root: import.meta.dirname,
  onLog: () => {},
  networks: { tor: 'socks5://ann:hunter2@127.0.0.1:1' },
  functions: { thread: { source: images, method: 'thread', pool: { max: 1 } } },
  services: { greeter: { source: service } },
} as const

const times = 50
/** Many applications start one after the other. */
const timeout = 900_000

/** What an application could leave behind. */
function traces(): unknown {
  return {
    listeners: Object.fromEntries(process.eventNames().map((name) => [String(name), process.listenerCount(name)])),
    globals: Reflect.ownKeys(globalThis).map(String).toSorted(),
    environment: { ...process.env },
    resources: Object.groupBy(
      process.getActiveResourcesInfo().filter((name) => !poll.has(name)),
      (name) => name,
    ),
    threads: tasks(),
    descriptors: readdirSync('/proc/self/fd').length,
    directory: process.cwd(),
    fetch: globalThis.fetch,
  }
}

/** What is there once nothing changes any more. */
async function settled(): Promise<unknown> {
  let last: unknown
  const isSame = () => {
    const now = traces()
    const same = isDeepStrictEqual(now, last)
    last = now
    return same
  }
  await expect.poll(isSame).toBe(true)
  return last
}

/** Kinds of what a poll has by itself. */
const poll: ReadonlySet<string> = new Set(['Timeout', 'Immediate', 'FSReqCallback'])

/** The names of the threads of this process, apart from those of Node's pool, which start when they are needed. */
function tasks(): readonly string[] {
  const names = readdirSync('/proc/self/task').flatMap((id) => {
    try {
      return [readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim()]
    } catch {
      return []
    }
  })
  return names.filter((name) => !/^(?:libuv-worker|V8Worker)/.test(name)).toSorted()
}

/** How many of its kind keep the program alive. */
function active(kind: string): number {
  return process.getActiveResourcesInfo().filter((name) => name === kind).length
}

async function once(): Promise<void> {
  const app = await start(options)
  expect(await funcs.call('app:thread')).not.toBe(threadId)
  expect(await processes.call('app:greeter', 'name', 'ann')).toBe('hello ann')
  const handle = await app.spawn(service)
  await app.functions<{ resize: (name: string, width: number) => string }>(images, { max: 1 }).resize('a', 1)
  await app.stop()
  expect('error' in (await handle.exited)).toBe(true)
}

it(`leaves nothing behind, ${times} times`, { timeout }, async () => {
  await once()
  const before = await settled()
  const timers = active('Timeout')
  globalThis.gc?.()
  const memory: number[] = []
  for (let turn = 0; turn < times; turn += 1) {
    await once()
    memory.push(process.memoryUsage.rss())
  }
  // A poll has a timer of its own.
  expect(active('Timeout')).toBeLessThanOrEqual(timers)
  await expect.poll(traces).toEqual(before)
  // The second half uses no more than the first did at its most, and a little.
  const [first, second] = [memory.slice(0, times / 2), memory.slice(times / 2)].map((part) => Math.max(...part))
  expect(second).toBeLessThan((first ?? 0) * 1.15)
})

/** Two side by side, of which the first or the second stops first. */
async function twice(turn: number): Promise<void> {
  const apps = await Promise.all([start(options), start(options)])
  const threads = await Promise.all(
    apps.map(async (app) => app.functions<{ thread: () => number }>(images, { max: 1 }).thread()),
  )
  expect(new Set([...threads, threadId]).size).toBe(3)
  const greet = async () => processes.call('app:greeter', 'name', 'ann')
  expect(await Promise.all(apps.map(async (app) => app.run(greet)))).toEqual(['hello ann', 'hello ann'])
  for (const app of turn % 2 === 0 ? apps : apps.toReversed()) {
    await app.stop()
    if (app === apps[turn % 2]) expect(await processes.call('app:greeter', 'name', 'bob')).toBe('hello bob')
  }
}

it('leaves nothing behind, 20 times, side by side and alternating', { timeout }, async () => {
  await twice(0)
  const before = await settled()
  for (let turn = 1; turn <= 20; turn += 1) await twice(turn)
  await expect.poll(traces).toEqual(before)
})

it('leaves nothing behind when it fails after its begin, beside another', async () => {
  const busy = createServer().listen(0, '127.0.0.1')
  await event(busy, 'listening')
  const address = busy.address()
  const port = typeof address === 'object' ? address?.port : 0
  // Without a network, whose checks open sockets at any time.
  const quiet = { ...options, networks: {} }
  const fail = async () =>
    expect(start({ ...quiet, config: { metrics: { addr: `127.0.0.1:${port}` } } })).rejects.toThrow('EADDRINUSE')
  const app = await start(quiet)
  await fail()
  const before = await settled()
  for (let turn = 0; turn < 5; turn += 1) await fail()
  await expect.poll(traces).toEqual(before)
  expect(await processes.call('app:greeter', 'name', 'ann')).toBe('hello ann')
  await app.stop()
  busy.close()
})

it('starts after a start that failed', async () => {
  await expect(start({ ...options, entries: [{ id: 'app:x', kind: 'none' }] })).rejects.toThrow('app:x')
  await once()
})
