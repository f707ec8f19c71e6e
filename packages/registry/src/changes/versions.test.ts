import { entryId } from '@troupe/core'
import { describe, expect, it } from 'vitest'
import type { WrittenEntry } from '../entries/written-entry.ts'
import { MemoryHistory } from './history.ts'
import { Registry } from '../registry.ts'
import { appFolder } from '../testing/app-folder.ts'
import { kinds } from '../testing/kinds.ts'
import { World } from '../testing/world.ts'

const id = entryId

const proxy = { id: 'app:proxy', kind: 'network.socks5', host: '127.0.0.1', port: 1080 }
const link = (name: string, ...to: readonly string[]) => ({ id: `app:${name}`, kind: 'test.link', to })

function started(...entries: readonly WrittenEntry[]): Registry {
  const registry = new Registry({ kinds })
  for (const { id: text, kind, ...fields } of entries) registry.add({ id: id(text), kind, fields })
  registry.open(new MemoryHistory())
  return registry
}

describe('versions', () => {
  it('are rolled back to as new ones', async () => {
    const registry = started(proxy)
    const world = new World(registry)
    await registry.apply([{ op: 'update', entry: { ...proxy, port: 2 } }])
    await registry.apply([{ op: 'create', entry: link('a', 'proxy') }])
    await registry.apply([{ op: 'update', entry: { ...proxy, port: 3 } }])
    expect(await registry.rollback(1)).toBe(5)
    expect(registry.entries().map(({ id: left, fields }) => [left, fields['port']])).toEqual([['app:proxy', 1080]])
    expect(await registry.rollback(4)).toBe(6)
    expect(registry.entries().map(({ id: left, fields }) => [left, fields['port']])).toEqual([
      ['app:a', undefined],
      ['app:proxy', 3],
    ])
    expect([...world.running.keys()].toSorted()).toEqual(['app:a', 'app:proxy'])
    const between = (from: number, to: number) =>
      registry.diff(from, to).map(({ op, id: changed, after }) => [op, changed, after?.fields['port']])
    expect(between(1, 4)).toEqual([
      ['update', 'app:proxy', 3],
      ['create', 'app:a', undefined],
    ])
    expect(between(4, 1)).toEqual([
      ['update', 'app:proxy', 1080],
      ['delete', 'app:a', undefined],
    ])
    expect(between(4, 6)).toEqual([])
    expect(() => registry.diff(0, 6)).toThrow('there is no version 0: 1 to 6 are kept')
    await expect(registry.rollback(7)).rejects.toThrow('there is no version 7: 1 to 6 are kept')
    expect(await registry.rollback(6)).toBe(6)
  })

  it('are reported as they take effect', async () => {
    const registry = started(proxy)
    const stop = new AbortController()
    const heard: number[] = []
    registry.events.addEventListener('applied', () => heard.push(registry.version()))
    const versions = registry.applied({ signal: stop.signal })
    const first = versions.next()
    await registry.apply([{ op: 'create', entry: link('a') }])
    expect((await first).value).toMatchObject({
      version: 2,
      changes: [{ op: 'create', id: 'app:a', kind: 'test.link' }],
    })
    stop.abort()
    expect((await versions.next()).done).toBe(true)
    expect(heard).toEqual([2])
  })

  it('are created one after the other', async () => {
    const registry = started()
    const results = await Promise.allSettled(
      ['a', 'b', 'a'].map((name) => registry.apply([{ op: 'create', entry: link(name) }])),
    )
    expect(results.map((result) => (result.status === 'fulfilled' ? result.value : 'refused'))).toEqual([
      1,
      2,
      'refused',
    ])
  })
})

describe('reload', () => {
  it('applies changes of the files, and leaves other changes alone', async () => {
    const load = async (text: string) => {
      using folder = appFolder({ 'app.yaml': `namespace: app\nentries:\n${text}` })
      const registry = new Registry({ kinds, root: '/' })
      await registry.load(folder.path)
      return registry
    }
    const registry = await load('  - { name: a, kind: test.link }\n  - { name: b, kind: test.link }\n')
    registry.open(new MemoryHistory())
    await registry.apply([
      { op: 'update', entry: link('a', 'b') },
      { op: 'create', entry: link('live') },
    ])
    // Each load has its own folder: entries that name no files are equal in spite of it.
    const version = await registry.reload(
      await load('  - { name: b, kind: test.link, to: [c] }\n  - { name: c, kind: test.link }\n'),
    )
    expect(version).toBe(3)
    expect(registry.entries().map((entry) => [entry.id, entry.fields['to']])).toEqual([
      ['app:b', ['c']],
      ['app:c', undefined],
      ['app:live', []],
    ])
    await expect(registry.reload(await load('  - { name: b, kind: test.lnk }\n'))).rejects.toThrow(
      'did you mean "test.link"?',
    )
    await expect(registry.reload(await load('  - { name: [\n'))).rejects.toThrow('this is not YAML')
    expect(registry.version()).toBe(3)
  })
})
