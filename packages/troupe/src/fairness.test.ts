import { once } from 'node:events'
import { createServer } from 'node:net'
import fc from 'fast-check'
import { processes } from 'troupe'
import { startApp, type TestApp, type WrittenEntry } from 'troupe/test'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { busy, main, names, processNames, progress } from './testing/busy.ts'

const root = `${import.meta.dirname}/testing`
const source = 'file://busy.ts'
const times = 5

function shared(name: string): WrittenEntry {
  return {
    id: `app:${name}`,
    kind: 'process.host',
    host: { isolation: 'shared', workers: 1 },
    lifecycle: { auto_start: true },
  }
}

const entries: readonly WrittenEntry[] = [
  shared('crowd'),
  shared('others'),
  ...['main', 'ask', 'echo', 'nothing'].map((method) => ({ id: `app:${method}`, kind: 'process.ts', source, method })),
  { id: 'app:inline', kind: 'function.ts', source, method: 'nothing', pool: 'inline' },
  { id: 'app:pooled', kind: 'function.ts', source, method: 'nothing', pool: { max: 1 } },
]

const server = createServer((socket) => {
  socket.on('error', () => undefined)
  socket.pipe(socket)
})
let port = 0
let app: TestApp

beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  port = typeof address === 'object' && address !== null ? address.port : 0
  app = await startApp({ root, entries })
})

afterAll(async () => {
  await app.stop()
  server.close()
})

/** Runs `test` with several loops at the same time. */
async function assertBeside(all: readonly string[], test: (some: string[]) => Promise<void>): Promise<void> {
  await fc.assert(fc.asyncProperty(fc.subarray([...all], { minLength: 1, maxLength: 4 }), test), {
    numRuns: all.length + 8,
    examples: [...all.map((name) => [[name]] satisfies [string[]])],
  })
}

describe('timers, sockets and messages progress', () => {
  it('beside loops of the main program', async () => {
    await assertBeside(names, async (some) => {
      await app.app.run(async () => main(some, port, times))
    })
  })

  it('beside processes of the main thread', async () => {
    await assertBeside(processNames, async (some) => {
      const probes = await Promise.all(some.map(async () => app.probe()))
      const watch = { over: false }
      const loops = probes.map(async (probe, i) => probe.run(async () => busy(some[i] ?? '', watch)))
      await app.app
        .run(async () => progress(port, times))
        .finally(() => {
          watch.over = true
        })
      await Promise.all(loops)
      for (const probe of probes) await probe.end()
    })
  })

  it('beside two processes of the main thread that exchange messages', async () => {
    await using one = await app.probe()
    await using other = await app.probe()
    const watch = { over: false }
    const reply = other.run(async () => {
      for (let message = await other.next(); message.topic !== 'over'; message = await other.next())
        processes.trySend(one.pid, 'pong')
    })
    const play = one.run(async () => {
      const start = performance.now()
      while (!watch.over && performance.now() - start < 20_000) {
        processes.trySend(other.pid, 'ping')
        await one.next()
      }
      processes.trySend(other.pid, 'over')
    })
    await progress(port, times)
    expect(watch.over).toBe(false)
    watch.over = true
    await Promise.all([play, reply])
  })

  it('in the kernel, beside threads that send requests', async () => {
    await assertBeside(names, async (some) => {
      await app.app.run(async () => {
        const askers = await Promise.all(
          [...some, ...some, ...some].map(async (name) => processes.spawn('app:ask', 'app:crowd', name)),
        )
        const exits = askers.map(async (pid) => processes.exited(pid))
        await progress(port, times)
        for (const pid of askers) await processes.cancel(pid)
        for (const exit of await Promise.all(exits)) expect(exit).toEqual({ value: undefined })
      })
    })
  })

  it('in a thread, beside the loops of a process there', async () => {
    await assertBeside(processNames, async (some) => {
      const done = await app.app.run(async () => processes.exec('app:main', 'app:crowd', some, port, times))
      expect(done).toBe(true)
    })
  })
})
