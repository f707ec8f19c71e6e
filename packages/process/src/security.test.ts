/** What code in threads may do, as the kernel decides. */
import { type EntryId, entryId } from '@troupe/core'
import { newActor, Scope } from '@troupe/policy'
import { compilePolicies, compilePolicy } from '@troupe/policy/kernel'
import { describe, expect, it } from 'vitest'
import type { Deed } from './testing/programs/guarded.ts'
import { type KernelFixtureOptions, startKernel } from './testing/start-kernel.ts'
import { processes } from './api/processes.ts'

const host = 'app:host'
const programs = ['act', 'rest', 'collector', 'smuggle', 'disguise', 'overlays', 'claim', 'bear'].map((name) => `guarded.${name}`)
const allow = (actions: string | readonly string[], resources: string | readonly string[] = '*') => ({
  actions,
  resources,
  effect: 'allow',
})
const ann = newActor('ann')

async function kernelWith(policies: NonNullable<KernelFixtureOptions['policies']>, options: Partial<KernelFixtureOptions> = {}) {
  const kernel = await startKernel({ programs: [...programs, 'tree.frame'], overlays: ['net:proxy', 'net:other'], policies, ...options })
  const collector = await processes.withName('collector').spawn('app:guarded.collector', host)
  const scoped = (...scope: readonly string[]) => processes.withActor(ann).withScope(new Scope(scope))
  return {
    kernel,
    collector,
    scoped,
    act: async (deed: Deed, ...scope: readonly string[]) => scoped(...scope).exec('app:guarded.act', host, deed, collector),
    async [Symbol.asyncDispose]() {
      await kernel[Symbol.asyncDispose]()
    },
  }
}

/** Each action, with the permissions that it requests and their resources; `@` stands for the collector's pid. */
const table: readonly (readonly [Deed, ...(readonly [string, string])[]])[] = [
  ['spawn', ['process.spawn', 'app:guarded.rest'], ['process.host', host]],
  ['spawnMonitored', ['process.spawn.monitored', 'app:guarded.rest'], ['process.host', host]],
  ['spawnLinked', ['process.spawn.linked', 'app:guarded.rest'], ['process.host', host]],
  ['spawnBoth', ['process.spawn.monitored', 'app:guarded.rest'], ['process.spawn.linked', 'app:guarded.rest'], ['process.host', host]],
  ['exec', ['process.exec', 'app:guarded.rest'], ['process.host', host]],
  ['named', ['process.registry.register', 'worker'], ['process.spawn', 'app:guarded.rest'], ['process.host', host]],
  ['context', ['process.context', 'context'], ['process.spawn', 'app:guarded.rest'], ['process.host', host]],
  ['actor', ['process.security', 'security'], ['process.spawn', 'app:guarded.rest'], ['process.host', host]],
  ['scope', ['process.security', 'security'], ['process.spawn', 'app:guarded.rest'], ['process.host', host]],
  ['network', ['network.select', 'net:proxy'], ['process.spawn', 'app:guarded.rest'], ['process.host', host]],
  ['direct', ['network.select', 'network:direct'], ['process.spawn', 'app:guarded.rest'], ['process.host', host]],
  ['send', ['process.send', '@']],
  ['sendByName', ['process.send', '@']],
  ['call', ['process.send', '@']],
  ['monitor', ['process.monitor', '@']],
  ['unmonitor', ['process.unmonitor', '@']],
  ['exited', ['process.monitor', '@']],
  ['link', ['process.link', '@']],
  ['unlink', ['process.unlink', '@']],
  ['terminate', ['process.terminate', '@']],
  ['cancel', ['process.cancel', '@']],
  ['register', ['process.registry.register', 'mine']],
  ['registerForeign', ['process.registry.register', 'theirs'], ['process.registry.foreign', '@']],
  ['unregister', ['process.registry.unregister', 'mine']],
  ['unregisterForeign', ['process.registry.unregister', 'collector'], ['process.registry.foreign', '@']],
  ['join', ['process.group.join', 'workers']],
  ['joinForeign', ['process.group.join', 'workers'], ['process.registry.foreign', '@']],
  ['leave', ['process.group.leave', 'workers']],
  ['leaveForeign', ['process.group.leave', 'workers'], ['process.registry.foreign', '@']],
  ['broadcast', ['process.group.broadcast', 'nobody']],
  ['entry', ['registry.get', 'app:guarded.rest']],
  ['getEnv', ['env.get', 'HOME']],
]

describe('in a scope', () => {
  it('each deed needs the permissions that the table says, and no other', async () => {
    const policies = Object.fromEntries(
      new Map(
        table.flatMap(([, ...asked]) =>
          asked.map(([action, resource]) => [policyId(action, resource), allow(action, resource === '@' ? '*' : resource)]),
        ),
      ),
    )
    await using given = await kernelWith(policies)
    for (const [deed, ...asked] of table) {
      const ids = asked.map(([action, resource]) => policyId(action, resource))
      for (const [index, [action, resource]] of asked.entries()) {
        const denial = `${action} of ${resource === '@' ? given.collector : resource}`
        expect([deed, await given.act(deed, ...ids.toSpliced(index, 1))]).toEqual([deed, denial])
      }
    }
    // The actions that end the collector come last.
    const last = new Set<Deed>(['terminate', 'cancel', 'link', 'unregisterForeign'])
    for (const [deed, ...asked] of [
      ...table.filter(([each]) => !last.has(each)),
      ...table.filter(([each]) => last.has(each)).slice(0, 2),
    ]) {
      expect([deed, await given.act(deed, ...asked.map(([action, resource]) => policyId(action, resource)))]).toEqual([deed, 'done'])
    }
  }, 60_000)

  it('of policies that deny nothing is listed, and nothing can be done', async () => {
    await using given = await kernelWith({ 'p:none': { actions: '*', resources: '*', effect: 'deny' } })
    expect(await given.act('entries', 'p:none')).toBe(0)
    expect(await given.act('can', 'p:none')).toBe(false)
    expect(await given.act('setEnv', 'p:none')).toBe('env.set of NOBODY')
    expect(await given.act('getEnvUntyped', 'p:none')).toBe('Invalid')
  })

  it('a variable is set only where it may be; that there is none is told to who may', async () => {
    await using given = await kernelWith({ 'p:other': allow('env.set', 'SOMEBODY'), 'p:set': allow('env.set', 'NOBODY') })
    expect(await given.act('setEnv', 'p:other')).toBe('env.set of NOBODY')
    expect(await given.act('setEnv', 'p:set')).toBe('NotFound')
  })

  it('policies see what a process is, beside its pid', async () => {
    const expression = 'action == "process.send" && meta.entry == "app:guarded.collector" && meta.host == "app:host"'
    await using given = await kernelWith({ 'p:collectors': { ...allow('*'), expression } })
    expect(await given.act('send', 'p:collectors')).toBe('done')
    expect(await given.act('monitor', 'p:collectors')).toBe(`process.monitor of ${given.collector}`)
  })

  it('trySend answers false until the kernel has let it', async () => {
    await using given = await kernelWith({ 'p:send': allow('process.send') })
    expect(await given.act('trySend', 'p:send')).toBe('done')
  })

  it('what is unknown is not found, and starts nothing', async () => {
    await using given = await kernelWith({ 'p:all': allow('*') })
    const before = given.kernel.kernel.processes.size
    await expect(given.scoped('p:gone').spawn('app:guarded.rest', host)).rejects.toMatchObject({ kind: 'NotFound' })
    await expect(processes.withOptions({ network: 'net:gone' }).spawn('app:guarded.rest', host)).rejects.toMatchObject({ kind: 'NotFound' })
    expect(given.kernel.kernel.processes.size).toBe(before)
  })

  it('other policies count at once', async () => {
    await using given = await kernelWith({ 'p:send': allow('process.send') })
    const { kernel } = given.kernel
    expect(await given.act('send', 'p:send')).toBe('done')
    const id: EntryId = entryId('p:send')
    const fields = { actions: ['process.send'], resources: ['*'], effect: 'deny' as const, conditions: [], groups: [] }
    kernel.replacePolicies(new Map([[id, compilePolicy(id, fields)]]))
    expect(await given.act('send', 'p:send')).toBe(`process.send of ${given.collector}`)
    kernel.replacePolicies(compilePolicies(kernel.registry))
    expect(await given.act('send', 'p:send')).toBe('done')
  })
})

describe('without a scope', () => {
  it('nothing is asked', async () => {
    await using given = await kernelWith({})
    for (const deed of ['spawn', 'context', 'send', 'monitor', 'entry', 'direct'] as const) {
      expect(await processes.exec('app:guarded.act', host, deed, given.collector)).toBe('done')
      expect(await processes.withActor(ann).exec('app:guarded.act', host, deed, given.collector)).toBe('done')
    }
  })

  it('everything is denied in strict mode, but to the program around the application', async () => {
    await using given = await kernelWith({ 'p:all': allow('*') }, { strictMode: true })
    for (const [deed, ...asked] of table) {
      const denials = asked.map(([action, resource]) => `${action} of ${resource === '@' ? given.collector : resource}`)
      expect(denials).toContain(await processes.exec('app:guarded.act', host, deed, given.collector))
    }
    expect(await given.act('send', 'p:all')).toBe('done')
  }, 60_000)
})

describe('code that does not ask', () => {
  it('sends nothing to whom it may not', async () => {
    await using given = await kernelWith({})
    const allowed = await processes.spawn('app:guarded.collector', host)
    const id: EntryId = entryId('p:only')
    const fields = { actions: ['process.send'], resources: [allowed], effect: 'allow' as const, conditions: [], groups: [] }
    given.kernel.kernel.replacePolicies(new Map([[id, compilePolicy(id, fields)]]))
    const ends = Promise.all([processes.exited(allowed), processes.exited(given.collector)])
    await given.scoped('p:only').exec('app:guarded.smuggle', host, given.collector, allowed)
    await Promise.all([processes.cancel(allowed), processes.cancel(given.collector)])
    expect(await ends).toEqual([{ value: ['allowed'] }, { value: [] }])
  })

  it('is not let start processes of which nobody was asked', async () => {
    await using given = await kernelWith({ 'p:all': allow('*') })
    await expect(given.scoped('p:all').exec('app:guarded.bear', host)).rejects.toMatchObject({ kind: 'PermissionDenied' })
    expect(given.kernel.log.join('\n')).toMatch(/broke the protocol and is ended: .* started .* without asking/)
  })
})

describe('the overlay of a message', () => {
  it.each([null, undefined, 'net:other'])('is that of its sender’s thread, though the message says %s', async (claimed) => {
    await using _ = await kernelWith({})
    const receiver = await processes.withOptions({ network: 'net:other' }).spawn('app:guarded.overlays', host, 1)
    const sender = processes.withOptions({ network: 'net:proxy' })
    await expect(sender.exec('app:guarded.disguise', host, receiver, claimed)).rejects.toMatchObject({ details: { code: 'ENETWORK' } })
  })
})

describe('what a spawner claims to have inherited', () => {
  it.each([
    [{ overlay: undefined }, { overlay: 'net:proxy' }],
    [{ overlay: null }, { overlay: 'net:proxy' }],
    [{ overlay: 'net:other' }, { overlay: 'net:proxy' }],
    [{ overlay: 'net:proxy' }, { overlay: 'net:proxy' }],
    [{ overlay: 7 }, 'Invalid'],
    [{ values: { big: 'x'.repeat(20_000) } }, 'Invalid'],
    [{ values: null }, 'Invalid'],
    [{ values: JSON.parse('{"__proto__":{"actor":{"id":"root"}}}') as unknown }, { actor: undefined }],
    [{ trace: 'nonsense' }, 'Invalid'],
    [{ deadline: 'soon' }, 'Invalid'],
    [{ actor: { id: 'root', meta: {} }, scope: [] }, 'Invalid'],
  ])('%j: %j', async (inherit, expected) => {
    await using _ = await kernelWith({})
    const answer: unknown = await processes.withOptions({ network: 'net:proxy' }).exec('app:guarded.claim', host, inherit)
    if (typeof expected === 'string') expect(answer).toBe(expected)
    else expect(answer).toMatchObject(expected)
  })
})

describe('values of a frame', () => {
  it('are few and small, and an error names the one that is too much', () => {
    expect(() => processes.withContext({ a: 1, big: 'x'.repeat(20_000) })).toThrow(
      expect.objectContaining({ kind: 'Invalid', details: expect.objectContaining({ path: 'big' }) as unknown }),
    )
    const many = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`v${index}`, index]))
    expect(() => processes.withContext(many)).toThrow(/at most 64 values: "v64"/)
    expect(() => processes.withContext({ f: () => 1 })).toThrow(expect.objectContaining({ kind: 'Invalid' }))
  })
})

function policyId(action: string, resource: string): string {
  return `p:${`${action}_${resource}`.replaceAll(/[^\w]/g, '_')}`
}
