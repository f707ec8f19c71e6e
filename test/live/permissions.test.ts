/** Which changes of the registry are allowed for code under policies. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { processes, registry, security } from 'troupe'
import { startApp, type WrittenEntry } from 'troupe/test'

/** The kinds of threads that this Node supports. */
const canSeal = process.allowedNodeEnvironmentFlags.has('--allow-net')
const root = join(import.meta.dirname, '../fixtures/live')
const program = (method: string): WrittenEntry => ({
  id: `app:${method}`,
  kind: 'process.ts',
  source: 'file://programs.ts',
  method,
})
const policy = (
  id: string,
  actions: string | string[],
  resources: string | string[],
  more: object = {},
): WrittenEntry => ({
  id,
  kind: 'security.policy',
  actions,
  resources,
  effect: 'allow',
  ...more,
})
/** A function whose meta holds a secret, under a name of its own. */
const noted = (name: string) => ({
  ...{ id: 'plugin:noted', kind: 'function.ts', source: 'file://programs.ts', method: 'slow' },
  meta: { [name]: '${env:app:secret}' },
})
const entries: WrittenEntry[] = [
  {
    id: 'app:host',
    kind: 'process.host',
    host: { network: canSeal ? 'sealed' : 'guarded', spares: 0 },
    lifecycle: { auto_start: true },
  },
  { id: 'app:fast', kind: 'process.host', host: { spares: 0 }, lifecycle: { auto_start: true } },
  ...['change', 'goBack', 'variable'].map(program),
  { id: 'app:proxy', kind: 'network.socks5', host: '127.0.0.1', port: 9 },
  noted('note'),
  { id: 'app:static', kind: 'env.storage.static', values: { SECRET: 'the-secret' } },
  { id: 'app:secret', kind: 'env.variable', storage: 'static', variable: 'SECRET' },
  policy('app:themes', 'registry.apply', 'plugin:*', { groups: ['plugins'] }),
  policy('plugin:shared', 'document.read', '*', { groups: ['readers'] }),
  policy('app:kinds', 'registry.apply', ['security.*', 'process.service', 'process.host', 'env.storage.*']),
  policy('app:grants', 'security.grant', 'readers'),
  policy('app:selects', 'network.select', 'app:proxy'),
  policy('app:storage', 'registry.apply', 'app:static'),
  policy('app:reads', 'env.get', 'secret'),
  policy('app:networks', 'registry.apply', 'network.*'),
  policy('app:names', 'env.set', ['v', 'SECRET', 'PROXY_HOST']),
]

/** The policies that allow what a change may require besides `registry.apply` of its id. */
const grants = ['kinds', 'grants', 'selects', 'reads', 'storage', 'networks', 'names'].map((name) => `app:${name}`)

type Changes = Parameters<typeof registry.apply>[0]
const create = (entry: WrittenEntry): Changes => [{ op: 'create', entry }]

it.each<[string, Changes, string, string[]]>([
  [
    'a function',
    create({ id: 'plugin:f', kind: 'function.ts', source: 'file://programs.ts', method: 'slow' }),
    'done',
    [],
  ],
  [
    'another name',
    create({ id: 'app:f', kind: 'function.ts', source: 'file://programs.ts', method: 'slow' }),
    'registry.apply of app:f',
    [],
  ],
  ['a policy', create(policy('plugin:p', '*', '*')), 'registry.apply of security.policy', ['app:kinds']],
  [
    'a policy in CEL',
    create({ ...policy('plugin:p', '*', '*'), kind: 'security.policy.expr', expression: 'true' }),
    'registry.apply of security.policy.expr',
    ['app:kinds'],
  ],
  [
    'a policy of its own group',
    create(policy('plugin:p', '*', '*', { groups: ['readers'] })),
    'security.grant of readers',
    ['app:grants'],
  ],
  [
    'a policy of another group',
    create(policy('plugin:p', '*', '*', { groups: ['readers', 'plugins'] })),
    'security.grant of plugins',
    [],
  ],
  [
    'a group that a variable names',
    create(policy('plugin:p', '*', '*', { groups: ['${env:SECRET}'] })),
    'Invalid: plugin:p: in entries that code applies, groups, ' +
      'overlays, storages and variables are written without placeholders',
    [],
  ],
  [
    'a policy that leaves its group',
    [{ op: 'update', entry: policy('plugin:shared', '*', '*') }],
    'security.grant of readers',
    ['app:grants'],
  ],
  ['a deleted policy', [{ op: 'delete', entry: { id: 'plugin:shared' } }], 'security.grant of readers', ['app:grants']],
  [
    'a service without policies',
    create({ id: 'plugin:s', kind: 'process.service', process: 'app:change', host: 'app:fast' }),
    'registry.apply of process.service',
    ['app:kinds'],
  ],
  [
    'a service in a group',
    create({
      id: 'plugin:s',
      kind: 'process.service',
      process: 'app:change',
      host: 'app:fast',
      lifecycle: { security: { actor: { id: 'ann' }, groups: ['readers'] } },
    }),
    'security.grant of readers',
    ['app:grants'],
  ],
  [
    'a host',
    create({ id: 'plugin:h', kind: 'process.host', host: { spares: 0 } }),
    'registry.apply of process.host',
    ['app:kinds'],
  ],
  ['a storage of its own', create({ id: 'plugin:m', kind: 'env.storage.memory' }), 'done', []],
  [
    'a file of variables',
    create({ id: 'plugin:e', kind: 'env.storage.file', path: '.env' }),
    'registry.apply of env.storage.file',
    ['app:kinds'],
  ],
  [
    'another name of a variable',
    create({ id: 'plugin:v', kind: 'env.variable', storage: 'app:static', variable: 'SECRET' }),
    'registry.apply of app:static',
    ['app:storage'],
  ],
  [
    'a variable that stands before one of the operating system',
    [
      { op: 'create', entry: { id: 'plugin:m', kind: 'env.storage.memory' } },
      {
        op: 'create',
        entry: { id: 'plugin:v', kind: 'env.variable', storage: 'm', variable: 'PROXY_HOST', default: 'evil.test' },
      },
    ],
    'env.set of PROXY_HOST',
    ['app:names'],
  ],
  [
    'an overlay',
    create({ id: 'plugin:o', kind: 'network.socks5', host: '127.0.0.1', port: 9 }),
    'registry.apply of network.socks5',
    ['app:networks'],
  ],
  [
    'an overlay through another',
    create({ id: 'plugin:o', kind: 'network.socks5', host: '127.0.0.1', port: 9, via: 'app:proxy' }),
    'network.select of app:proxy',
    ['app:selects'],
  ],
  [
    'an entry with a placeholder, which it had before',
    [{ op: 'update', entry: noted('other') }],
    'env.get of app:secret',
    ['app:reads'],
  ],
  [
    'a pin',
    create({
      id: 'plugin:f',
      kind: 'function.ts',
      source: 'file://programs.ts',
      method: 'slow',
      meta: { options: { network: 'app:proxy' } },
    }),
    'network.select of app:proxy',
    ['app:selects'],
  ],
  [
    'a pin to the clear network',
    create({
      id: 'plugin:f',
      kind: 'function.ts',
      source: 'file://programs.ts',
      method: 'slow',
      meta: { options: { network: null } },
    }),
    'network.select of network:direct',
    [],
  ],
  [
    'a placeholder',
    create({
      id: 'plugin:o',
      kind: 'network.socks5',
      host: '127.0.0.1',
      port: 9,
      username: 'u',
      password: '${env:app:secret}',
    }),
    'env.get of app:secret',
    ['app:reads'],
  ],
])('%s', async (_what, changes, denied, needs) => {
  await using app = await startApp({ root, entries })
  await using probe = await app.probe()
  const change = async (...scope: string[]) =>
    processes
      .withActor(security.newActor('mallory'))
      .withScope(security.newScope(['app:themes', ...scope]))
      .exec('app:change', 'app:host', changes)
  await probe.run(async () => {
    const before = await registry.version()
    const others = grants.filter((id) => !needs.includes(id))
    expect(await change(...others)).toBe(denied)
    if (denied === 'done') return
    expect(await registry.version()).toBe(before)
    if (needs.length > 0) expect(await change(...others, ...needs)).toBe('done')
  })
})

it('a version is not restored by a caller who may not make its changes', async () => {
  await using app = await startApp({ root, entries })
  await using probe = await app.probe()
  await probe.run(async () => {
    const scope = (...more: string[]) =>
      processes.withActor(security.newActor('mallory')).withScope(security.newScope(['app:themes', ...more]))
    const version = await registry.version()
    await registry.apply([{ op: 'delete', entry: { id: 'plugin:shared' } }])
    expect(await scope().exec('app:goBack', 'app:host', version)).toBe('registry.apply of security.policy')
    expect(await scope('app:kinds').exec('app:goBack', 'app:host', version)).toBe('security.grant of readers')
    expect(await scope('app:kinds', 'app:grants').exec('app:goBack', 'app:host', version)).toBe('done')
  })
})

it('a variable is denied by each of its names', async () => {
  const denies = ['app:secret', 'SECRET', 'secret', 'app:alias'].map((name, at) =>
    policy(`app:deny${at}`, 'env.get', name, { effect: 'deny' }),
  )
  const alias = { id: 'app:alias', kind: 'env.variable', storage: 'static', variable: 'SECRET' }
  await using app = await startApp({ root, entries: [...entries, alias, policy('app:any', '*', '*'), ...denies] })
  await using probe = await app.probe()
  await probe.run(async () => {
    for (const { id } of denies) {
      for (const name of ['app:secret', 'secret', 'app:alias', 'alias']) {
        const asked = processes.withActor(security.newActor('ann')).withScope(security.newScope(['app:any', id]))
        expect([id, name, await asked.exec('app:variable', 'app:fast', name)]).toEqual([id, name, `env.get of ${name}`])
      }
    }
  })
})
