/** Counters stay exact, and metrics have no more series, however many processes come and go. */
import { fileURLToPath } from 'node:url'
import type { CounterName } from '@troupe/core'
import { describe, expect, it } from 'vitest'
import { processes } from 'troupe'
import { startApp } from 'troupe/test'
import type { Observation } from 'troupe/app'
import { boot } from './metrics-app.ts'

/** Whether Node has the permissions that such a process needs. */
const canSeal = process.allowedNodeEnvironmentFlags.has('--allow-net')
const root = fileURLToPath(new URL('../fixtures/observe', import.meta.url))
const program = (method: string) => ({ id: `app:${method}`, kind: 'process.ts', source: 'file://work.ts', method })

function sum({ threads, ended }: Observation, name: CounterName): number {
  return [...threads, ...ended].reduce((all, { counts }) => all + counts[name], 0)
}

describe('100,000 short processes', () => {
  it('add no series, and are counted one by one', async () => {
    const count = 100_000
    await using app = await boot(root)
    const scrape = async () => (await fetch(`http://127.0.0.1:${app.metricsPort}/metrics`)).text()
    await app.run(async () => {
      // All series of such work exist from here on.
      expect(await processes.exec('app:many', 'app:shared', 1)).toBe(1)
      const before = (await scrape()).split('\n')
      const started = sum(await app.observe(), 'processesStarted')
      expect(await processes.exec('app:many', 'app:shared', count)).toBe(count)
      const after = (await scrape()).split('\n')
      expect(after.length).toBe(before.length)
      expect(sum(await app.observe(), 'processesStarted') - started).toBe(count + 1)
    })
  })
})

describe('an operating-system process', () => {
  it.runIf(canSeal)('reports what it counted when it ends in order', async () => {
    const isolated = { isolation: 'process', spares: 0 }
    await using app = await startApp({
      root,
      entries: [
        { id: 'app:isolated', kind: 'process.host', host: isolated, lifecycle: { auto_start: true } },
        program('counts'),
      ],
    })
    await app.app.run(async () => {
      for (let round = 0; round < 3; round += 1) {
        const pid = await processes.spawn('app:counts', 'app:isolated')
        const ended = processes.exited(pid)
        for (let n = 0; n < 20; n += 1) await processes.send(pid, 'x')
        await processes.send(pid, 'end')
        expect(await ended).toEqual({ value: 20 })
      }
    })
    const sums = async () => (await app.app.observe()).ended.find(({ owner }) => owner === 'app:isolated')
    await expect.poll(async () => (await sums())?.threads).toBe(3)
    // Nothing looked at them while they ran.
    expect((await sums())?.counts).toMatchObject({ messagesReceived: 63, messagesTaken: 63, processesStarted: 3 })
  })
})
