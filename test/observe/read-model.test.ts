/** What `app.observe()` says of a running application, against what a test did in it. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { type CounterName, entryId, type Pid } from '@troupe/core'
import { describe, expect, it } from 'vitest'
import { funcs, processes } from 'troupe'
import { startApp, type TestApp } from 'troupe/test'
import type { Observation } from 'troupe/app'
import { startProxy } from '../fixtures/selection/proxy.ts'

const root = fileURLToPath(new URL('../fixtures/observe', import.meta.url))
const program = (method: string) => ({ id: `app:${method}`, kind: 'process.ts', source: 'file://work.ts', method })
const host = (id: string, settings: object) => ({
  id,
  kind: 'process.host',
  host: { spares: 0, ...settings },
  lifecycle: { auto_start: true },
})

async function observed(proxyPort = 9): Promise<TestApp> {
  return startApp({
    root,
    entries: [
      host('app:threads', { isolation: 'thread' }),
      host('app:shared', { isolation: 'shared', workers: 1, max_processes: 20_000 }),
      { id: 'app:proxy', kind: 'network.socks5', host: '127.0.0.1', port: proxyPort },
      ...['counts', 'parent', 'child', 'holds'].map(program),
      { id: 'app:adds', kind: 'function.ts', source: 'file://work.ts', method: 'adds', pool: { min: 0, max: 2 } },
    ],
  })
}

/** The sum of a counter over all threads that run or have run. */
function sum({ threads, ended }: Observation, name: CounterName): number {
  return [...threads, ...ended].reduce((all, { counts }) => all + counts[name], 0)
}

describe('what an application does', () => {
  it('is counted exactly, while the threads that did it end', async () => {
    await using app = await observed()
    const before = await app.app.observe()
    await app.app.run(async () => {
      for (let round = 0; round < 5; round += 1) {
        const pids: Pid[] = []
        for (let n = 0; n < 3; n += 1) pids.push(await processes.spawn('app:counts', 'app:threads'))
        const ends = pids.map(async (pid) => processes.exited(pid))
        for (const pid of pids) for (let n = 0; n < 50; n += 1) await processes.send(pid, 'x')
        for (const pid of pids) await processes.send(pid, 'end')
        expect(await Promise.all(ends)).toEqual([{ value: 50 }, { value: 50 }, { value: 50 }])
      }
      await funcs.call('app:adds', 1, 2)
      await funcs.call('app:adds', 1, -2).catch(() => undefined)
    })
    // The threads end after their processes.
    await expect
      .poll(async () => (await app.app.observe()).threads.length)
      .toBeLessThanOrEqual(before.threads.length + 2)
    const after = await app.app.observe()
    const grown = (name: CounterName) => sum(after, name) - sum(before, name)
    expect(grown('messagesSent')).toBe(5 * 3 * 51)
    expect(grown('messagesReceived')).toBe(5 * 3 * 51)
    expect(grown('messagesTaken')).toBe(5 * 3 * 51)
    expect(grown('processesStarted')).toBe(15)
    expect(grown('processesEnded')).toBe(15)
    expect([grown('callsStarted'), grown('callsEnded'), grown('callsFailed')]).toEqual([2, 2, 1])
    expect(after.ended.find(({ owner }) => owner === entryId('app:threads'))).toMatchObject({
      threads: 15,
      counts: { messagesTaken: 765 },
    })
    expect(after.pools).toMatchObject([{ entry: 'app:adds', running: 0, waiting: 0 }])
  })

  it('lists processes with parents, mailboxes and names, also those that a thread started by itself', async () => {
    await using app = await observed()
    await app.app.run(async () => {
      const pid = await processes.spawn('app:parent', 'app:shared', 300)
      await processes.names.register('the parent', pid)
      await expect.poll(async () => (await app.app.observe()).processes.rows.length).toBe(301)
      const { processes: all } = await app.app.observe()
      expect(all.silent).toEqual([])
      expect(all.rows.find((row) => row.pid === pid)).toMatchObject({
        entry: 'app:parent',
        names: ['the parent'],
        host: 'app:shared',
        state: 'waiting',
        overlay: null,
      })
      expect(all.rows.filter(({ entry, parent }) => entry === 'app:child' && parent === pid)).toHaveLength(300)
      // With a limit, those with the most messages come first.
      const last = all.rows.at(-1)?.pid
      if (last === undefined) throw new Error('no process')
      await processes.cancel(last)
      const reader = await processes.spawn('app:counts', 'app:shared')
      expect(await processes.call(reader, 'ask')).toBe(1)
      const { rows } = (await app.app.observe({ processes: 1000 })).processes
      expect(rows.find((row) => row.pid === reader)).toMatchObject({ handled: 1, mailbox: 0, parent: '<0.0>' })
      expect((await app.app.observe({ processes: 2 })).processes.rows).toHaveLength(2)
    })
  })

  it('is there even while a thread loops', async () => {
    await using app = await observed()
    await app.app.run(async () => {
      const pid = await processes.spawn('app:counts', 'app:threads')
      for (let n = 0; n < 9; n += 1) await processes.send(pid, 'x')
      await processes.call(pid, 'ask')
      await processes.send(pid, 'loop')
      const thread = Number(pid.slice(1, pid.indexOf('.')))
      const busy = async () => (await app.app.observe()).threads.find(({ number }) => number === thread)
      await expect.poll(async () => (await busy())?.counts.messagesTaken).toBe(11)
      const first = await busy()
      await expect
        .poll(async () => (await busy())?.resources?.cpu ?? 0)
        .toBeGreaterThan((first?.resources?.cpu ?? 0) + 50)
      expect((await app.app.observe()).processes.silent).toContain(thread)
      await processes.terminate(pid)
    })
  })

  it('shows connections with who opened them, and what the overlay refused', async () => {
    const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    await using proxy = await startProxy('127.0.0.2')
    await using app = await observed(proxy.port)
    await app.app.run(async () => {
      const pid = await processes.withOptions({ network: 'app:proxy' }).spawn('app:holds', 'app:threads', port)
      await expect.poll(async () => Object.keys((await app.app.observe()).refusals)).toEqual(['dns.promises.resolveMx'])
      const { connections, overlays, threads } = await app.app.observe()
      expect(connections.rows).toMatchObject([
        { overlay: 'app:proxy', target: `127.0.0.1:${port}`, direction: 'out', owner: pid, actor: '' },
      ])
      expect(connections.rows[0]?.bytesSent).toBeGreaterThan(5)
      expect(overlays).toMatchObject([{ overlay: 'app:proxy', opened: 1, failed: 0, open: 1 }])
      expect(threads.find(({ overlay }) => overlay === 'app:proxy')?.counts.refused.dns).toBe(1)
      const exited = processes.exited(pid)
      const [connection] = connections.rows
      app.app.closeConnection(connection?.thread ?? 0, connection?.number ?? 0)
      await expect.poll(async () => (await app.app.observe()).connections.rows).toEqual([])
      await processes.send(pid, 'end')
      expect(await exited).toEqual({ value: 'hello' })
      const done = await app.app.observe()
      expect(done.connections.rows).toEqual([])
      expect(done.overlays).toMatchObject([{ opened: 1, open: 0, dialBuckets: expect.any(Array) as unknown }])
      expect(done.overlays[0]?.bytesReceived).toBeGreaterThan(5)
      expect(done.overlays[0]?.dialBuckets.reduce((a, b) => a + b)).toBe(1)
    })
    server.close()
  })
})
