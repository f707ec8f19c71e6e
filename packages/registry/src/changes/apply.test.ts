import { entryId } from '@troupe/core'
import { describe, expect, it } from 'vitest'
import type { WrittenEntry } from '../entries/written-entry.ts'
import { MemoryHistory } from './history.ts'
import { Registry } from '../registry.ts'
import { appFolder } from '../testing/app-folder.ts'
import { host, kinds, socks5 } from '../testing/kinds.ts'
import { World } from '../testing/world.ts'

const id = entryId

const proxy = { id: 'app:proxy', kind: 'network.socks5', host: '127.0.0.1', port: 1080 }
const processes = { id: 'app:processes', kind: 'process.host', host: { isolation: 'thread' } }
const link = (name: string, ...to: readonly string[]) => ({ id: `app:${name}`, kind: 'test.link', to })

function started(...entries: readonly WrittenEntry[]): Registry {
  const registry = new Registry({ kinds })
  for (const { id: text, kind, ...fields } of entries) registry.add({ id: id(text), kind, fields })
  registry.open(new MemoryHistory())
  return registry
}

describe('apply', () => {
  it('creates, updates and deletes, and counts versions', async () => {
    const registry = started(proxy)
    expect(await registry.apply([{ op: 'create', entry: processes }])).toBe(2)
    expect(await registry.apply([{ op: 'update', entry: { ...proxy, port: 9050 } }])).toBe(3)
    expect(registry.decode(id('app:proxy'), socks5).fields.port).toBe(9050)
    expect(registry.decode(id('app:processes'), host).fields.host.queueSize).toBe(1024)
    await registry.apply([{ op: 'delete', entry: { id: 'app:proxy' } }])
    expect(registry.has(id('app:proxy'))).toBe(false)
    expect(
      registry
        .history()
        .map(({ version, changes }) => [version, ...changes.map(({ op, id: changed }) => `${op} ${changed}`)]),
    ).toEqual([
      [1, 'create app:proxy'],
      [2, 'create app:processes'],
      [3, 'update app:proxy'],
      [4, 'delete app:proxy'],
    ])
  })

  it.each([
    ['a field', { op: 'update', entry: { ...proxy, port: 70_000 } }, 'Invalid', 'port: too big'],
    [
      'an unknown kind',
      { op: 'update', entry: { ...proxy, kind: 'network.sock5' } },
      'Invalid',
      'did you mean "network.socks5"?',
    ],
    [
      'an unknown reference',
      { op: 'create', entry: link('x', 'prxy') },
      'Invalid',
      'there is no entry app:prxy; did you mean "app:proxy"?',
    ],
    ['an entry that is there', { op: 'create', entry: proxy }, 'AlreadyExists', 'the entry app:proxy exists already'],
    [
      'an entry that is not',
      { op: 'update', entry: { ...proxy, id: 'app:prxy' } },
      'NotFound',
      'did you mean "app:proxy"?',
    ],
    ['an unknown delete', { op: 'delete', entry: { id: 'app:none' } }, 'NotFound', 'there is no entry app:none'],
    ['an invalid id', { op: 'delete', entry: { id: 'none' } }, 'Invalid', '"none" is not an entry id'],
    [
      'a value that is no data',
      { op: 'update', entry: { ...proxy, meta: { at: new Date(0) } } },
      'Invalid',
      'app:proxy: meta.at: .*not a Date',
    ],
    [
      'a missing file',
      { op: 'create', entry: { id: 'app:c', kind: 'process.ts', source: 'file://no.ts' } },
      'Invalid',
      'there is no file',
    ],
  ] as const)('refuses %s, and changes nothing', async (_, change, kind, words) => {
    const registry = started(proxy)
    await expect(registry.apply([{ op: 'create', entry: link('first') }, change])).rejects.toMatchObject({
      kind,
      message: expect.stringMatching(words.replaceAll('?', '\\?')) as string,
    })
    expect([registry.version(), registry.entries().length]).toEqual([1, 1])
  })

  it('refuses a set that names an entry twice, and invalid changes', async () => {
    const registry = started(proxy)
    const change = { op: 'update', entry: proxy } as const
    await expect(registry.apply([change, change])).rejects.toThrow('app:proxy is changed twice')
    const wrong: unknown = { op: 'replace', entry: proxy }
    await expect(registry.apply([wrong as never])).rejects.toThrow(
      "expected { op: 'create' | 'update' | 'delete', entry: { id, … } }",
    )
  })

  it('names references to a deleted entry, and deletes both together', async () => {
    const registry = started(proxy, link('a', 'proxy'), link('b', 'a', 'proxy'))
    const remove = (...names: readonly string[]) =>
      registry.apply(names.map((name) => ({ op: 'delete', entry: { id: `app:${name}` } })))
    await expect(remove('proxy')).rejects.toThrow(
      /^2 problems:\n {2}app:a: to\[0\]: there is no entry app:proxy.*\n {2}app:b: to\[1\]: there/,
    )
    await expect(remove('proxy', 'a')).rejects.toThrow('app:b: ')
    await remove('proxy', 'b', 'a')
    expect(registry.entries()).toEqual([])
  })

  it('names references to an entry that becomes of a wrong kind', async () => {
    const registry = started(proxy)
    await registry.apply([{ op: 'create', entry: { ...link('pinned'), meta: { options: { network: 'proxy' } } } }])
    await expect(registry.apply([{ op: 'update', entry: { ...processes, id: 'app:proxy' } }])).rejects.toThrow(
      'app:pinned: meta.options.network: app:proxy is of the kind process.host; expected network.*',
    )
  })

  it('refuses a cycle that a change closes', async () => {
    const registry = started(link('a', 'b'), link('b', 'c'), link('c'))
    await expect(registry.apply([{ op: 'update', entry: link('c', 'a') }])).rejects.toThrow(
      'entries need each other in a circle: app:c → app:a → app:b → app:c',
    )
    await expect(registry.apply([{ op: 'update', entry: link('c', 'c') }])).rejects.toThrow('app:c → app:c')
  })

  it('keeps the graph', async () => {
    const registry = started(link('a', 'b'), link('b'), link('c'))
    const graph = registry.graph()
    await registry.apply([{ op: 'update', entry: link('b', 'c') }])
    expect([graph.dependentsOf(id('app:c')), graph.dependenciesOf(id('app:b')), graph.levels]).toEqual([
      ['app:b'],
      ['app:c'],
      [['app:c'], ['app:b'], ['app:a']],
    ])
    await registry.apply(['a', 'b'].map((name) => ({ op: 'delete', entry: { id: `app:${name}` } })))
    expect(registry.graph().levels).toEqual([['app:c']])
  })

  it('copies its input, freezes it, and never shows a secret', async () => {
    const registry = started(proxy)
    const meta = { labels: ['a'] }
    const entry = { ...proxy, meta, password: '${env:TROUPE_TEST_SECRET|hunter2}' }
    await registry.apply([{ op: 'update', entry }])
    meta.labels.push('b')
    expect(registry.get(id('app:proxy'))).toMatchObject({
      meta: { labels: ['a'] },
      fields: { password: entry.password },
    })
    expect(Object.isFrozen(registry.get(id('app:proxy')).meta['labels'])).toBe(true)
    expect(JSON.stringify([registry.history(), registry.entries()])).not.toContain('"hunter2')
  })

  it('keeps the folder of an entry from files', async () => {
    using folder = appFolder({
      'sub/app.yaml': 'namespace: app\nname: c\nkind: process.ts\nsource: file://c.ts\n',
      'sub/c.ts': '',
      'sub/d.ts': '',
    })
    const registry = new Registry({ kinds, root: folder.path })
    await registry.load(folder.path)
    registry.open(new MemoryHistory())
    await registry.apply([{ op: 'update', entry: { id: 'app:c', kind: 'process.ts', source: 'file://d.ts' } }])
    expect(registry.decode(id('app:c')).fields).toMatchObject({ source: folder.file('sub/d.ts') })
  })
})

describe('handlers', () => {
  it('are called in the order of needs: first for creates, last for deletes', async () => {
    const registry = started(link('a', 'b'), link('b'), link('old'), link('older', 'old'))
    const world = new World(registry)
    await registry.apply([
      { op: 'delete', entry: { id: 'app:old' } },
      { op: 'update', entry: link('a', 'b', 'new') },
      { op: 'delete', entry: { id: 'app:older' } },
      { op: 'create', entry: link('new', 'b') },
      { op: 'update', entry: link('b') },
    ])
    const order = ['update app:b', 'create app:new', 'update app:a', 'delete app:older', 'delete app:old']
    expect(world.log).toEqual(
      ['prepare', 'commit', 'settle'].flatMap((phase) => order.map((what) => `${phase} ${what}`)),
    )
  })

  it('see the entries after the change, while all others see them before it', async () => {
    const registry = started(proxy)
    registry.handle('network.*', {
      prepare: async ({ entries }) => {
        const ports = [
          entries.decode(id('app:proxy'), socks5).fields.port,
          registry.decode(id('app:proxy'), socks5).fields.port,
        ]
        expect(ports).toEqual([9050, 1080])
        const rollback = async () => {}
        return { commit: async () => expect(registry.version()).toBe(1), rollback }
      },
    })
    await registry.apply([{ op: 'update', entry: { ...proxy, port: 9050 } }])
    expect(registry.version()).toBe(2)
  })

  it.each([
    ['prepare', ['prepare create app:a', 'prepare create app:b', 'rollback create app:a']],
    [
      'commit',
      [
        'prepare create app:a',
        'prepare create app:b',
        'commit create app:a',
        'commit create app:b',
        'rollback create app:b',
        'rollback create app:a',
      ],
    ],
  ] as const)('that fail in %s leave everything as it was', async (phase, log) => {
    const registry = started()
    const world = new World(registry)
    world.failing.set('app:b', phase)
    await expect(
      registry.apply([
        { op: 'create', entry: link('a') },
        { op: 'create', entry: link('b', 'a') },
      ]),
    ).rejects.toMatchObject({
      kind: 'Unavailable',
      message: 'app:b: the create is refused, and nothing was changed: it fails',
      details: { id: 'app:b' },
    })
    expect(world.log).toEqual(log)
    expect([registry.version(), registry.entries(), world.running]).toEqual([0, [], new Map()])
  })

  it('that cannot roll back report so', async () => {
    const registry = started()
    const world = new World(registry)
    world.failing.set('app:b', 'commit').set('app:a', 'rollback')
    const changes = ['a', 'b'].map((name) => ({ op: 'create', entry: link(name) }) as const)
    await expect(registry.apply(changes)).rejects.toMatchObject({
      message: expect.stringContaining('app:a could not be put back: it fails') as string,
    })
  })

  it('of another kind take an entry over', async () => {
    const registry = started(proxy)
    const log: string[] = []
    for (const kind of ['network.*', 'process.*']) {
      const note = (phase: string) => async () => void log.push(`${phase} ${kind}`)
      registry.handle(kind, {
        prepare: async ({ op }) => {
          log.push(`${op} ${kind}`)
          return { commit: note('commit'), rollback: note('rollback') }
        },
      })
    }
    await registry.apply([{ op: 'update', entry: { ...processes, id: 'app:proxy' } }])
    expect(log).toEqual(['delete network.*', 'create process.*', 'commit network.*', 'commit process.*'])
  })

  it('are called for entries that a variable changes', async () => {
    const registry = started(
      { id: 'app:values', kind: 'env.storage.static', values: { PORT: '1080' } },
      { id: 'app:port', kind: 'env.variable', storage: 'values', variable: 'PORT' },
      { ...proxy, port: '${env:PORT}' },
      { ...proxy, id: 'app:other', host: '${env:HOST_NAME|localhost}' },
    )
    const world = new World(registry)
    const values = (PORT: string) =>
      ({ op: 'update', entry: { id: 'app:values', kind: 'env.storage.static', values: { PORT } } }) as const
    await registry.apply([values('9050')])
    expect(world.log.filter((line) => line.startsWith('prepare'))).toEqual([
      'prepare update app:values',
      'prepare update app:proxy',
    ])
    expect(
      registry
        .history()
        .at(-1)
        ?.changes.map((change) => change.id),
    ).toEqual(['app:values'])
    await expect(registry.apply([values('none')])).rejects.toThrow('app:proxy: port: expected number')
  })
})
