import { entryId } from '@troupe/core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Registry } from '../registry.ts'
import { appFolder } from '../testing/app-folder.ts'
import { kinds, socks5 } from '../testing/kinds.ts'

const yaml = `namespace: app.env
entries:
  - { name: os, kind: env.storage.os, prefix: TROUPE_TEST_ }
  - { name: file, kind: env.storage.file, path: "\${TROUPE_TEST_FILE|.env}" }
  - { name: memory, kind: env.storage.memory }
  - { name: fixed, kind: env.storage.static, values: { TOKEN: from-static, ONLY: here } }
  - { name: all, kind: env.storage.router, storages: [memory, file, fixed] }
  - { name: from_os, kind: env.variable, storage: os, variable: HOME_PORT }
  - { name: token, kind: env.variable, storage: all, variable: TOKEN }
  - { name: ONLY, kind: env.variable, storage: all }
  - { name: with_default, kind: env.variable, storage: memory, variable: NOT_SET, default: fallback }
  - { name: locked, kind: env.variable, storage: memory, read_only: true }
  - { name: static_token, kind: env.variable, storage: fixed, variable: STATIC }
`

async function registryIn(path: string): Promise<Registry> {
  const registry = new Registry({ kinds, root: path })
  await registry.load(path)
  expect(registry.check()).toEqual([])
  return registry
}

afterEach(() => vi.unstubAllEnvs())

describe('Env', () => {
  it('reads a variable by its name in the storage, by its entry, and by its id', async () => {
    using folder = appFolder({ 'env.yaml': yaml, '.env': 'TOKEN=from-file\n' })
    const { env } = await registryIn(folder.path)
    expect(['TOKEN', 'token', 'app.env:token'].map((name) => env.get(name))).toEqual([
      'from-file',
      'from-file',
      'from-file',
    ])
    expect(env.get('ONLY')).toBe('here')
    expect(env.get('NOT_SET')).toBe('fallback')
    expect(env.get('locked')).toBeUndefined()
  })

  it('falls back to the operating system only if no entry has the name', async () => {
    using folder = appFolder({ 'env.yaml': yaml })
    const { env } = await registryIn(folder.path)
    vi.stubEnv('TROUPE_TEST_HOME_PORT', '7')
    vi.stubEnv('TROUPE_TEST_PLAIN', 'plain')
    vi.stubEnv('locked', 'not this')
    expect([env.get('HOME_PORT'), env.get('TROUPE_TEST_PLAIN'), env.get('locked')]).toEqual(['7', 'plain', undefined])
  })

  it('writes to the first storage of a router, and the first storage with the value wins', async () => {
    using folder = appFolder({ 'env.yaml': yaml, '.env': 'TOKEN=from-file\n' })
    const { env } = await registryIn(folder.path)
    env.set('TOKEN', 'set')
    expect(env.get('TOKEN')).toBe('set')
  })

  it('keeps the values of a memory storage when other entries change', async () => {
    using folder = appFolder({ 'env.yaml': yaml })
    const registry = await registryIn(folder.path)
    registry.env.set('TOKEN', 'set')
    registry.add({ id: entryId('app:more'), kind: 'test.link' })
    expect(registry.env.get('TOKEN')).toBe('set')
  })

  it('refuses to set read-only, fixed, or unknown variables', async () => {
    using folder = appFolder({ 'env.yaml': yaml })
    const { env } = await registryIn(folder.path)
    expect(() => env.set('locked', 'x')).toThrow('the variable locked is read-only')
    expect(() => env.set('STATIC', 'x')).toThrow('a static storage is read-only')
    expect(() => env.set('from_os', 'x')).toThrow('the environment of the operating system is read-only')
    expect(() => env.set('NONE', 'x')).toThrow('no env.variable has the name NONE')
  })

  it('chooses the nearest of two with one name, and otherwise refuses', () => {
    const registry = new Registry({ kinds })
    registry.add(
      { id: entryId('a:s'), kind: 'env.storage.static', fields: { values: { X: 'a' } } },
      { id: entryId('b:s'), kind: 'env.storage.static', fields: { values: { X: 'b' } } },
      { id: entryId('a:X'), kind: 'env.variable', fields: { storage: 's' } },
      { id: entryId('b:X'), kind: 'env.variable', fields: { storage: 's' } },
    )
    expect([registry.env.get('X', 'a'), registry.env.get('X', 'b')]).toEqual(['a', 'b'])
    expect(() => registry.env.get('X')).toThrow('the name X could mean a:X or b:X: write the id')
  })

  it('refuses routers that lead to each other', () => {
    const registry = new Registry({ kinds })
    registry.add(
      { id: entryId('a:r'), kind: 'env.storage.router', fields: { storages: ['q'] } },
      { id: entryId('a:q'), kind: 'env.storage.router', fields: { storages: ['r'] } },
      { id: entryId('a:X'), kind: 'env.variable', fields: { storage: 'r' } },
    )
    expect(() => registry.env.get('X')).toThrow('storages lead in a circle: a:r → a:q → a:r')
    expect(registry.check().map(({ code }) => code)).toEqual(['cycle'])
  })
})

describe('names of a variable', () => {
  it('are all by which it can be read, its id first', async () => {
    using folder = appFolder({
      'env.yaml': `${yaml}  - { name: alias, kind: env.variable, storage: os, variable: HOME_PORT }
  - { name: by_router, kind: env.variable, storage: all, variable: STATIC }
  - { name: unprefixed, kind: env.storage.os }
  - { name: whole, kind: env.variable, storage: unprefixed, variable: TROUPE_TEST_HOME_PORT }
`,
    })
    const { env } = await registryIn(folder.path)
    const names = [
      'app.env:from_os',
      'from_os',
      'HOME_PORT',
      'app.env:alias',
      'alias',
      'app.env:whole',
      'whole',
      'TROUPE_TEST_HOME_PORT',
    ]
    for (const name of ['app.env:from_os', 'from_os', 'alias', 'app.env:whole', 'TROUPE_TEST_HOME_PORT']) {
      expect([name, env.namesOf(name).toSorted()]).toEqual([name, names.toSorted()])
      expect(env.get(env.namesOf(name)[0])).toBe(env.get(name))
    }
    expect(env.namesOf('from_os')[0]).toBe('app.env:from_os')
    expect(env.namesOf('STATIC')).toEqual(expect.arrayContaining(['app.env:static_token', 'app.env:by_router']))
    expect(env.namesOf('token')).not.toContain('ONLY')
    expect(env.namesOf('NOWHERE')).toEqual(['NOWHERE'])
  })

  it('of a variable of the operating system include those of entries that read it', () => {
    const registry = new Registry({ kinds })
    registry.add(
      { id: entryId('a:os'), kind: 'env.storage.os', fields: { prefix: 'A_' } },
      { id: entryId('a:secret'), kind: 'env.variable', fields: { storage: 'os', variable: 'SECRET' } },
    )
    expect(registry.env.namesOf('A_SECRET')).toEqual(['A_SECRET', 'a:secret', 'SECRET', 'secret'])
    expect(registry.env.namesOf('SECRET')[0]).toBe('a:secret')
  })
})

describe('placeholders', () => {
  it('use the variables of the application', async () => {
    using folder = appFolder({ 'env.yaml': yaml, '.env': 'TOKEN=9050\n' })
    const registry = await registryIn(folder.path)
    const id = entryId('app.env:proxy')
    registry.add({
      id,
      kind: 'network.socks5',
      fields: { host: '${env:NOT_SET}', port: '${env:TOKEN}', password: '${env:app.env:ONLY}' },
    })
    expect(registry.decode(id, socks5).fields).toMatchObject({ host: 'fallback', port: 9050, password: 'here' })
    expect(registry.get(id).fields['password']).toBe('${env:app.env:ONLY}')
  })

  it('report what is wrong with the variable that they name', () => {
    const registry = new Registry({ kinds })
    registry.add(
      { id: entryId('a:X'), kind: 'env.variable', fields: { storage: 'none' } },
      { id: entryId('a:proxy'), kind: 'network.socks5', fields: { host: '${env:X}', port: 1 } },
    )
    expect(registry.check().map(({ message }) => message)).toEqual([
      'storage: there is no entry a:none',
      'host: the variable X: there is no storage a:none',
    ])
  })
})
