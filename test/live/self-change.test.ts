/**
 * A service that changes its own entry continues, ends in order, and blocks no caller. Its stop timeout is an hour:
 * nothing ends it by force.
 */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { processes, registry } from 'troupe'
import { startApp, type WrittenEntry } from 'troupe/test'

const root = join(import.meta.dirname, '../fixtures/live')
const lifecycle = { auto_start: true, stop_timeout: '1h' }
const program = { kind: 'process.ts', source: 'file://self-change.ts' }
const entries: readonly WrittenEntry[] = [
  { id: 'app:host', kind: 'process.host', host: { spares: 0 }, lifecycle: { auto_start: true } },
  { id: 'app:others', kind: 'process.host', host: { spares: 0 }, lifecycle: { auto_start: true } },
  { id: 'app:program', ...program },
  { id: 'app:once', ...program, method: 'once' },
  { id: 'app:function', kind: 'function.ts', source: 'file://self-change.ts', method: 'once' },
  { id: 'app:changer', kind: 'process.service', process: 'app:program', host: 'app:host', lifecycle },
  {
    id: 'app:inner',
    kind: 'process.supervisor',
    host: 'app:others',
    children: [{ id: 'kid', process: 'app:program', shutdown: 'infinity' }],
  },
  {
    id: 'app:team',
    kind: 'process.supervisor',
    children: [{ id: 'inner', process: 'app:inner', shutdown: 'infinity' }],
    lifecycle,
  },
]

async function tell(name: string, way: string, order: string): Promise<unknown> {
  await using app = await startApp({ root, entries })
  await using probe = await app.probe()
  return await probe.run(async () => {
    // A version to roll back to.
    await registry.apply([
      {
        op: 'update',
        entry: {
          id: 'app:changer',
          kind: 'process.service',
          process: 'app:program',
          host: 'app:host',
          input: [1],
          lifecycle,
        },
      },
    ])
    await app.until('app:changer', 'Running')
    const pid = await processes.names.lookup(name)
    if (pid === undefined) throw new Error(`nothing runs under the name ${name}`)
    const exit = processes.exited(pid)
    await processes.send(pid, way, order)
    const ended = await exit
    await registry.apply([{ op: 'create', entry: { id: 'app:more', kind: 'process.host', host: { spares: 0 } } }])
    return ended
  })
}

describe.each(['itself', 'by a process', 'by a function'])('a service that requests its own change: %s', (way) => {
  it.each(['update', 'delete', 'delete its host', 'roll back'])('%s', async (order) => {
    expect(await tell('app:changer', way, order)).toEqual({ value: 'ended in order' })
  })

  it.each(['terminate child', 'delete supervisor'])('under two supervisors: %s', async (order) => {
    expect(await tell('app:team/inner/kid', way, order)).toEqual({ value: 'ended in order' })
  })
})
