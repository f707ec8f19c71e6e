import { entryId } from '@troupe/core'
import { describe, expect, it } from 'vitest'
import { positionOf } from './entries/entry.ts'
import { formatDiagnostic } from './schema/diagnostic.ts'
import { Registry } from './registry.ts'
import { appFolder } from './testing/app-folder.ts'
import { host, kinds, link, socks5 } from './testing/kinds.ts'

const id = entryId

async function loaded(
  files: Readonly<Record<string, string>>,
): Promise<{ readonly registry: Registry; readonly problems: readonly string[] }> {
  using folder = appFolder(files)
  const registry = new Registry({ kinds, root: folder.path })
  await registry.load(folder.path)
  const problems = registry.check().map((problem) => `${problem.code} ${formatDiagnostic(problem, folder.path)}`)
  return { registry, problems }
}

const app = `version: "1.0"
namespace: app
entries:
  - name: processes
    kind: process.host
    host: { isolation: thread }
    lifecycle: { auto_start: true, requires: [proxy] }
  - name: proxy
    kind: network.socks5
    host: 127.0.0.1
    port: \${env:TROUPE_TEST_PORT|1080}
    password: \${env:TROUPE_TEST_SECRET|hunter2}
  - name: probe
    kind: process.ts
    source: file://probe.ts
    meta:
      type: tool
      command: { name: probe }
`

const one = `namespace: app.more
name: watcher
kind: process.service
process: app:probe
host: app:processes
`

describe('a valid application', () => {
  const files = {
    'app.yaml': app,
    'probe.ts': '',
    'more/watcher.yml': one,
    'compose.yaml': 'services: {}\n',
    '.hidden/x.yaml': '{',
    'node_modules/y.yaml': '{',
  }

  it('is read, checked and ordered', async () => {
    const { registry, problems } = await loaded(files)
    expect(problems).toEqual([])
    expect(registry.entries().map((entry) => entry.id)).toEqual([
      'app.more:watcher',
      'app:probe',
      'app:processes',
      'app:proxy',
    ])
    expect(registry.version()).toBe(1)
  })

  it('starts needed entries first', async () => {
    using folder = appFolder(files)
    const registry = new Registry({ kinds })
    await registry.load(folder.path)
    expect(registry.order()).toEqual([['app:probe', 'app:proxy'], ['app:processes'], ['app.more:watcher']])
    expect(registry.graph().dependentsOf(id('app:processes'))).toEqual(['app.more:watcher'])
  })

  it('finds entries by kind and meta', async () => {
    const { registry } = await loaded(files)
    const ids = (query: Parameters<Registry['find']>[0]) => registry.find(query).map((entry) => entry.id)
    expect(ids({ kind: 'process.*' })).toEqual(['app.more:watcher', 'app:probe', 'app:processes'])
    expect(ids({ kind: 'process' })).toEqual([])
    expect(ids({ meta: { command: { name: 'probe' } } })).toEqual(['app:probe'])
    expect(ids({ kind: 'network.*', meta: { type: 'tool' } })).toEqual([])
  })

  it('keeps secrets out of entries, and decodes them', async () => {
    const { registry } = await loaded(files)
    expect(registry.get(id('app:proxy'))).toMatchObject({
      kind: 'network.socks5',
      fields: { password: '${env:TROUPE_TEST_SECRET|hunter2}' },
    })
    const { fields } = registry.decode(id('app:proxy'), socks5)
    expect([fields.port, fields.password]).toEqual([1080, 'hunter2'])
    expect(registry.decode(id('app:processes')).fields).toMatchObject({
      host: { isolation: 'thread', queueSize: 1024 },
    })
  })

  it('returns entries that are plain, frozen data', async () => {
    const { registry } = await loaded(files)
    const entry = registry.get(id('app:processes'))
    expect(structuredClone(entry)).toEqual(entry)
    expect(Object.isFrozen(entry) && Object.isFrozen(entry.fields) && Object.isFrozen(entry.fields['host'])).toBe(true)
    expect(positionOf(entry, ['host', 'isolation'])).toMatchObject({ line: 6, column: 24 })
  })
})

describe('Registry', () => {
  it('names the nearest entry when an id is unknown', () => {
    const registry = new Registry({ kinds })
    registry.add({ id: id('app:proxy'), kind: 'network.socks5', fields: { host: 'a', port: 1 } })
    expect(() => registry.get(id('app:prxy'))).toThrow('there is no entry app:prxy; did you mean "app:proxy"?')
    expect(() => registry.decode(id('app:proxy'), host)).toThrow('app:proxy is a network.socks5, not a process.host')
    expect(registry.has(id('app:prxy'))).toBe(false)
  })

  it('reports an id that code defines twice', () => {
    const registry = new Registry({ kinds })
    registry.add({ id: id('app:x'), kind: 'test.link' }, { id: id('app:x'), kind: 'test.link' })
    expect(registry.check()).toMatchObject([{ code: 'duplicate-entry', entry: 'app:x' }])
  })

  it('refuses a folder that does not exist', async () => {
    await expect(new Registry({ kinds }).load('/nowhere/at/all')).rejects.toMatchObject({ kind: 'NotFound' })
  })

  it('does not show an id that came from a placeholder', () => {
    const registry = new Registry({ kinds })
    registry.add({ id: id('app:x'), kind: 'test.link', fields: { to: ['${TROUPE_TEST_NONE|hunter2}'] } })
    expect(registry.check()).toMatchObject([
      { code: 'dangling-reference', message: 'to[0]: there is no entry ${TROUPE_TEST_NONE|hunter2}' },
    ])
  })
})

describe('override', () => {
  it('replaces fields, nested ones and meta, and has its own position', async () => {
    const { registry } = await loaded({ 'app.yaml': app, 'probe.ts': '' })
    registry.override(id('app:proxy'), 'port', '9050')
    registry.override(id('app:processes'), 'host.queue_size', '5')
    registry.override(id('app:probe'), 'meta.options.network', 'proxy')
    expect(registry.decode(id('app:proxy'), socks5).fields.port).toBe(9050)
    expect(registry.decode(id('app:processes'), host).fields.host.queueSize).toBe(5)
    expect(registry.decode(id('app:probe')).meta.options?.network).toBe('app:proxy')
    expect(registry.version()).toBe(4)
    registry.override(id('app:proxy'), 'port', '0')
    expect(registry.check().find(({ entry }) => entry === 'app:proxy')).toMatchObject({
      path: 'port',
      place: { file: '-o app:proxy:port' },
    })
  })

  it('works on entries created by code', () => {
    const registry = new Registry({ kinds })
    registry.add({ id: id('app:x'), kind: 'test.link', fields: { to: ['y', 'z'] } })
    registry.override(id('app:x'), 'to[1]', 'x')
    expect(registry.decode(id('app:x'), link).fields.to).toEqual(['app:y', 'app:x'])
  })

  it('refuses unknown paths', () => {
    const registry = new Registry({ kinds })
    registry.add({ id: id('app:x'), kind: 'network.socks5', fields: { host: 'a', port: 1 } })
    expect(() => registry.override(id('app:y'), 'port', '1')).toThrow('there is no entry app:y')
    expect(() => registry.override(id('app:x'), 'port.deep', '1')).toThrow(
      '-o app:x:port.deep: port.deep leads through a value that has no such part',
    )
    expect(() => registry.override(id('app:x'), 'kind', 'y')).toThrow('kind cannot be overridden')
    expect(() => registry.override(id('app:x'), 'password', '@hunter2')).toThrow(/^(?!.*hunter2).*quote the value/)
  })
})
