import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { entryId } from '@troupe/core'
import { newActor, Scope } from '@troupe/policy'
import { processes } from '@troupe/process'
import type { EntryInput } from '@troupe/registry'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { hostId, startKernel, type TestKernelOptions } from '../testing/start-kernel.ts'
import { tokenStore } from './tokens.ts'

const key = 'a key of more than thirty-two characters'
const store = (id: string, fields: EntryInput['fields'] = {}): EntryInput => ({
  id: entryId(id),
  kind: 'security.token_store',
  fields: { key, ...fields },
})
const policy = (id: string, actions: string, resources: string, groups: string[] = []): EntryInput => ({
  id: entryId(id),
  kind: 'security.policy',
  fields: { actions, resources, effect: 'allow', groups },
})
const ann = newActor('ann', { role: 'reader' })

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'troupe-tokens-'))
})

afterEach(async () => {
  vi.useRealTimers()
  await rm(folder, { recursive: true })
})

async function start(...entries: NonNullable<TestKernelOptions['entries']>) {
  return startKernel({ root: folder, entries })
}

describe.each(['memory', 'sqlite'])('a token store in %s', (storage) => {
  it('issues tokens for an actor and a scope', async () => {
    await using kernel = await start(
      store('app:tokens', { storage }),
      policy('app:read', 'read', '*', ['readers']),
      policy('app:write', 'write', '*'),
    )
    const tokens = tokenStore('app:tokens')
    const options = { actor: ann, scope: new Scope(['app:write']), groups: ['readers'], meta: { device: 'phone' } }
    const { id, token, expires } = await tokens.create(options)
    expect(token).toMatch(/^[\w-]{16}\.[\w-]{43}\.[\w-]{43}$/)
    expect(token.startsWith(id)).toBe(true)
    expect(await tokens.validate(token)).toEqual({
      id,
      actor: ann,
      scope: new Scope(['app:write', 'app:read']),
      meta: { device: 'phone' },
      expires,
    })
    expect(kernel.log).toEqual([])
  })

  it('revokes them at once: one, or all of an actor', async () => {
    await using _ = await start(store('app:tokens', { storage }))
    const tokens = tokenStore('app:tokens')
    const [first, second, other] = await Promise.all(
      [ann, ann, newActor('bob')].map(async (actor) => tokens.create({ actor })),
    )
    const alive = async () =>
      Promise.all(
        [first, second, other].map(async (issued) => (await tokens.validate(issued?.token ?? '')) !== undefined),
      )
    expect(await tokens.revoke({ id: first?.id ?? '' })).toBe(1)
    expect(await alive()).toEqual([false, true, true])
    expect(await tokens.revoke({ id: first?.id ?? '' })).toBe(0)
    expect(await tokens.revoke({ actor: 'ann' })).toBe(1)
    expect(await alive()).toEqual([false, false, true])
  })

  it('forgets them when they expire', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    await using _ = await start(store('app:tokens', { storage, max_tokens: 2 }))
    const tokens = tokenStore('app:tokens')
    const { token, expires } = await tokens.create({ actor: ann, ttl: '1m' })
    expect(expires).toBe(Date.now() + 60_000)
    await tokens.create({ actor: ann, ttl: 120_000 })
    await expect(tokens.create({ actor: ann })).rejects.toMatchObject({ kind: 'Unavailable' })
    vi.setSystemTime(expires - 1)
    expect(await tokens.validate(token)).toBeDefined()
    vi.setSystemTime(expires)
    expect(await tokens.validate(token)).toBeUndefined()
    await tokens.create({ actor: ann })
  })

  it('refuses tokens that it has not issued', async () => {
    await using _ = await start(store('app:tokens', { storage }), store('app:others', { storage }))
    const { token } = await tokenStore('app:tokens').create({ actor: ann })
    const [id = '', secret = '', signature = ''] = token.split('.')
    const flip = (text: string) => `${text.startsWith('A') ? 'B' : 'A'}${text.slice(1)}`
    const forged = [
      '',
      id,
      `${id}.${secret}`,
      `${flip(id)}.${secret}.${signature}`,
      `${id}.${flip(secret)}.${signature}`,
      `${id}.${secret}.${flip(signature)}`,
      `${token}.`,
      `${token} `,
    ]
    expect(await Promise.all(forged.map(async (text) => tokenStore('app:tokens').validate(text)))).toEqual(
      forged.map(() => undefined),
    )
    expect(await tokenStore('app:others').validate(token)).toBeUndefined()
  })

  it('refuses all of them with another key', async () => {
    await using kernel = await start(store('app:tokens', { storage }))
    const { token } = await tokenStore('app:tokens').create({ actor: ann })
    await kernel.registry.apply([
      { op: 'update', entry: { id: 'app:tokens', kind: 'security.token_store', storage, key: `${key}, another` } },
    ])
    expect(await tokenStore('app:tokens').validate(token)).toBeUndefined()
    await kernel.registry.apply([
      { op: 'update', entry: { id: 'app:tokens', kind: 'security.token_store', storage, key } },
    ])
    expect(await tokenStore('app:tokens').validate(token)).toMatchObject({ actor: ann })
  })
})

describe('a token store in a file', () => {
  it('keeps tokens over a restart, and stores none of them in plain text', async () => {
    const entry = store('app:tokens', { storage: 'sqlite', path: 'kept/tokens.db' })
    const issue = async () => {
      await using _ = await start(entry)
      return await tokenStore('app:tokens').create({ actor: ann })
    }
    const { token } = await issue()
    const files = await readdir(join(folder, 'kept'))
    for (const file of files) {
      const kept = await readFile(join(folder, 'kept', file), 'latin1')
      for (const part of token.split('.').slice(1)) expect(kept).not.toContain(part)
    }
    expect((await stat(join(folder, 'kept/tokens.db'))).mode & 0o777).toBe(0o600)
    await using _ = await start(entry)
    expect(await tokenStore('app:tokens').validate(token)).toMatchObject({ actor: ann })
  })

  it('reports a file that is not a database', async () => {
    await using _ = await start(store('app:tokens', { storage: 'sqlite', path: '.' }))
    await expect(tokenStore('app:tokens').create({ actor: ann })).rejects.toMatchObject({ kind: 'Unavailable' })
  })
})

describe('a key in a file', () => {
  it('signs tokens as a key in the entry does', async () => {
    await writeFile(join(folder, 'token.key'), `${key}\n`)
    await writeFile(join(folder, 'short.key'), 'short')
    const inFile = (id: string, file: string) => store(id, { key: undefined, key_file: `file://${file}` })
    await using _ = await start(
      inFile('app:tokens', 'token.key'),
      inFile('app:short', 'short.key'),
      inFile('app:none', 'none.key'),
    )
    const { token } = await tokenStore('app:tokens').create({ actor: ann })
    expect(await tokenStore('app:tokens').validate(token)).toMatchObject({ actor: ann })
    await expect(tokenStore('app:short').create({ actor: ann })).rejects.toMatchObject({ kind: 'Invalid' })
    await expect(tokenStore('app:none').create({ actor: ann })).rejects.toMatchObject({ kind: 'Unavailable' })
  })

  it('excludes a key in the entry', async () => {
    await using _ = await start(
      store('app:both', { key_file: 'file://token.key' }),
      store('app:neither', { key: undefined }),
    )
    for (const id of ['app:both', 'app:neither'])
      await expect(tokenStore(id).create({ actor: ann })).rejects.toThrow('expected either a key, or a key_file')
  })
})

describe('invalid options', () => {
  it('are refused with the reason', async () => {
    await using _ = await start(store('app:tokens', { max_ttl: '24h' }), store('app:bad', { key: 'short' }))
    const tokens = tokenStore('app:tokens')
    await expect(tokens.create({ actor: ann, ttl: '25h' })).rejects.toMatchObject({ kind: 'Invalid' })
    await expect(tokens.create({ actor: ann, ttl: 0 })).rejects.toMatchObject({ kind: 'Invalid' })
    await expect(tokens.create({ actor: ann, meta: { when: new Date() } })).rejects.toThrow('meta.when')
    await expect(tokens.create({ actor: { id: '', meta: {} } })).rejects.toThrow('actor.id')
    await expect(tokenStore('app:bad').create({ actor: ann })).rejects.toThrow('at least 32 characters')
    await expect(tokenStore('app:none').create({ actor: ann })).rejects.toMatchObject({ kind: 'NotFound' })
    await expect(tokens.validate('x'.repeat(513))).rejects.toMatchObject({ kind: 'Invalid' })
  })
})

describe('permission to manage tokens', () => {
  const program: EntryInput = {
    id: entryId('app:try'),
    kind: 'process.ts',
    fields: { source: `file://${join(import.meta.dirname, 'testing/programs.ts')}`, method: 'tryAll' },
  }

  it('is decided by the policies of the caller; a policy sees for whom', async () => {
    const onlyAnn: EntryInput = {
      id: entryId('app:only_ann'),
      kind: 'security.policy',
      fields: {
        actions: 'security.token.create',
        resources: 'app:tokens',
        effect: 'allow',
        conditions: [{ field: 'meta.actor', operator: 'eq', value: 'ann' }],
      },
    }
    const validates = policy('app:validates', 'security.token.validate', 'app:tokens')
    await using _ = await start(store('app:tokens'), program, onlyAnn, validates)
    const { token } = await tokenStore('app:tokens').create({ actor: ann })
    const asService = processes.withActor(newActor('service'))
    const may = async (...scope: string[]) =>
      asService.withScope(new Scope(scope)).exec('app:try', hostId, 'app:tokens', token)
    const no = 'PermissionDenied'
    expect(await may()).toEqual({ create: no, createAnn: no, validate: no, revoke: no })
    expect(await may('app:only_ann', 'app:validates')).toEqual({
      create: no,
      createAnn: 'ok',
      validate: 'ok',
      revoke: no,
    })
  })
})
