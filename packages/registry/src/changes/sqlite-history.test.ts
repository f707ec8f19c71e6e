import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { statSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { entryId } from '@troupe/core'
import { describe, expect, it } from 'vitest'
import { Registry } from '../registry.ts'
import { openSqliteHistory } from './sqlite-history.ts'
import { appFolder } from '../testing/app-folder.ts'
import { kinds, link } from '../testing/kinds.ts'

const entry = (name: string, ...to: readonly string[]) => ({ id: `app:${name}`, kind: 'test.link', to })

async function run(
  file: string,
  yaml: string,
  work: (registry: Registry) => Promise<void> = async () => {},
): Promise<Registry> {
  using folder = appFolder({ 'app.yaml': `namespace: app\nentries:\n${yaml}` })
  const registry = new Registry({ kinds, root: '/' })
  await registry.load(folder.path)
  registry.open(await openSqliteHistory(file))
  await work(registry)
  await registry.close()
  return registry
}

const a = '  - { name: a, kind: test.link }\n'
const b = '  - { name: b, kind: test.link }\n'

describe('a history in SQLite', () => {
  it('gives the next run the changes, and the versions for a rollback', async () => {
    using folder = appFolder({})
    const file = folder.file('state/registry.db')
    await run(file, a + b, async (registry) => {
      await registry.apply([{ op: 'update', entry: entry('a', 'b') }])
      await registry.apply([{ op: 'create', entry: entry('live') }])
    })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    await run(file, a + b, async (registry) => {
      expect([registry.version(), registry.entries().map(({ id, fields }) => [id, fields['to']])]).toEqual([
        3,
        [
          ['app:a', ['b']],
          ['app:b', undefined],
          ['app:live', []],
        ],
      ])
      expect(registry.history().map(({ version }) => version)).toEqual([1, 2, 3])
      await registry.rollback(1)
      expect(registry.entries().map(({ id }) => id)).toEqual(['app:a', 'app:b'])
    })
  })

  it('prefers a file that was edited between two runs, and keeps other changes', async () => {
    using folder = appFolder({})
    const file = folder.file('registry.db')
    await run(file, a + b, async (registry) => {
      await registry.apply(
        ['a', 'b', 'live'].map(
          (name) =>
            ({
              op: name === 'live' ? 'create' : 'update',
              entry: entry(name, ...(name === 'live' ? [] : ['live'])),
            }) as const,
        ),
      )
    })
    const edited = '  - { name: a, kind: test.link, to: [b] }\n'
    const registry = await run(file, edited + b)
    expect([registry.version(), registry.entries().map(({ id, fields }) => [id, fields['to']])]).toEqual([
      3,
      [
        ['app:a', ['b']],
        ['app:b', ['live']],
        ['app:live', []],
      ],
    ])
    // Without the file's entry, and with a mistake that stops the boot: the history stores nothing of it.
    const broken = await run(file, '  - { name: a, kind: test.link, to: [gone] }\n')
    expect(broken.check()).toHaveLength(1)
    expect((await run(file, edited + b)).version()).toBe(3)
  })

  it('keeps the configured number of versions', async () => {
    using folder = appFolder({})
    const registry = new Registry({ kinds })
    registry.open(await openSqliteHistory(folder.file('registry.db'), 3))
    for (const name of ['a', 'b', 'c', 'd']) await registry.apply([{ op: 'create', entry: entry(name) }])
    expect(registry.history().map(({ version }) => version)).toEqual([2, 3, 4])
    await expect(registry.rollback(1)).rejects.toMatchObject({ kind: 'NotFound' })
    await registry.close()
  })

  it('that cannot be written refuses the change', async () => {
    using folder = appFolder({})
    const registry = new Registry({ kinds })
    const history = await openSqliteHistory(folder.file('registry.db'))
    registry.open(history)
    history[Symbol.dispose]()
    await expect(registry.apply([{ op: 'create', entry: entry('a') }])).rejects.toThrow(
      'the changes could not be recorded',
    )
    expect([registry.version(), registry.entries()]).toEqual([0, []])
  })

  it('that is not a database is reported', async () => {
    using folder = appFolder({})
    const file = folder.file('registry.db')
    writeFileSync(file, 'not a database at all, but long enough to be read as a header')
    await expect(openSqliteHistory(file)).rejects.toMatchObject({ kind: 'Unavailable', details: { file } })
  })

  it('holds a committed version completely, when the program was killed in the middle', {
    timeout: 60_000,
  }, async () => {
    using folder = appFolder({})
    const file = folder.file('registry.db')
    let reported = 0
    for (let round = 0; round < 5; round++) {
      const child = spawn(process.execPath, [`${import.meta.dirname}/../testing/restless.ts`, file], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const exited = once(child, 'exit')
      const until = reported + 5 + round * 7
      for await (const line of createInterface(child.stdout)) {
        reported = Number(line)
        if (reported >= until) child.kill('SIGKILL')
      }
      expect(await exited).toEqual([null, 'SIGKILL'])
      const history = await openSqliteHistory(file)
      const kept = history.kept()
      const versions = new Set(kept?.entries.values().map(({ meta }) => meta['version']))
      expect([...versions]).toEqual([kept?.version])
      expect(kept?.version).toBeGreaterThanOrEqual(reported)
      expect(history.records().at(-1)?.version).toBe(kept?.version)
      await expect(openSqliteHistory(file)).rejects.toMatchObject({
        kind: 'Conflict',
        retryable: false,
        details: { file },
      })
      history[Symbol.dispose]()
      const registry = new Registry({ kinds: [link] })
      registry.add(...(kept?.files.values() ?? []))
      registry.open(await openSqliteHistory(file))
      expect([registry.version(), registry.get(entryId('app:e0')).meta['version']]).toEqual([
        kept?.version,
        kept?.version,
      ])
      await registry.close()
    }
  })
})
