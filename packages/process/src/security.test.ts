/** What code in threads may do, as the kernel decides. */
import { type EntryId, entryId } from '@troupe/core'
import { newActor, Scope } from '@troupe/policy'
import { compilePolicies, compilePolicy } from '@troupe/policy/kernel'
import { describe, expect, it } from 'vitest'
import type { Operation } from './testing/programs/guarded.ts'
import { type KernelFixtureOptions, startKernel } from './testing/start-kernel.ts'
import { processes } from './api/processes.ts'

const host = 'app:host'
const programs = ['act', 'rest', 'collector', 'smuggle', 'disguise', 'overlays', 'claim', 'bear'].map(
  (name) => `guarded.${name}`,
)
const allow = (actions: string | readonly string[], resources: string | readonly string[] = '*') => ({
  actions,
  resources,
  effect: 'allow',
})
const ann = newActor('ann')

async function kernelWith(
  policies: NonNullable<KernelFixtureOptions['policies']>,
  options: Partial<KernelFixtureOptions> = {},
) {
  const kernel = await startKernel({
    programs: [...programs, 'tree.frame'],
    overlays: ['net:proxy', 'net:other'],
    policies,
    ...options,
  })
  const collector = await processes.withName('collector').spawn('app:guarded.collector', host)
  const scoped = (...scope: readonly string[]) => processes.withActor(ann).withScope(new Scope(scope))
  return {
    kernel,
    collector,
    scoped,
    act: async (operation: Operation, ...scope: readonly string[]) =>
      scoped(...scope).exec('app:guarded.act', host, operation, collector),
    async [Symbol.asyncDispose]() {
      await kernel[Symbol.asyncDispose]()
    },
  }
}

/** Each action, with the permissions that it requests and their resources; `@` stands for the collector's pid. */
const table: readonly (readonly [Operation, ...(readonly [string, string])[]])[] = [
  ['spawn', ['process.spawn', 'app:guarded.rest'], ['process.host', host]],
  ['spawnMonitored', ['process.spawn.monitored', 'app:guarded.rest'], ['process.host', host]],
  ['spawnLinked', ['process.spawn.linked', 'app:guarded.rest'], ['process.host', host]],
  [
    'spawnBoth',
    ['process.spawn.monitored', 'app:guarded.rest'],
    ['process.spawn.linked', 'app:guarded.rest'],
    ['process.host', host],
  ],
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
  ['broadcast', ['process.group.broadcast', 'missing']],
  ['entry', ['registry.get', 'app:guarded.rest']],
  ['getEnv', ['env.get', 'HOME']],
]

/** Operations on a name: code that may do nothing to its process does not learn that there is one. */
const hidden: ReadonlySet<Operation> = new Set(['sendByName'])

describe('in a scope', () => {
  it('each operation needs the permissions of the table, and no other', async () => {
    const policies = Object.fromEntries(
      new Map(
        table.flatMap(([, ...asked]) =>
          asked.map(([action, resource]) => [
            policyId(action, resource),
            allow(action, resource === '@' ? '*' : resource),
          ]),
        ),
      ),
    )
    await using given = await kernelWith(policies)
    for (const [operation, ...asked] of table) {
      const ids = asked.map(([action, resource]) => policyId(action, resource))
      for (const [index, [action, resource]] of asked.entries()) {
        const of = resource === '@' ? given.collector : resource
        const denial = hidden.has(operation) ? 'NotFound' : `${action} of ${of}`
        expect([operation, await given.act(operation, ...ids.toSpliced(index, 1))]).toEqual([operation, denial])
      }
    }
    // The actions that end the collector come last.
    const last = new Set<Operation>(['terminate', 'cancel', 'link', 'unregisterForeign'])
    for (const [operation, ...asked] of [
      ...table.filter(([each]) => !last.has(each)),
      ...table.filter(([each]) => last.has(each)).slice(0, 2),
    ]) {
      expect([
        operation,
        await given.act(operation, ...asked.map(([action, resource]) => policyId(action, resource))),
      ]).toEqual([operation, 'done'])
    }
  })

  it('of policies that deny nothing, all is listed, and nothing is allowed', async () => {
    await using given = await kernelWith({ 'p:none': { actions: '*', resources: '*', effect: 'deny' } })
    expect(await given.act('entries', 'p:none')).toBe(0)
    expect(await given.act('can', 'p:none')).toBe(false)
    expect(await given.act('setEnv', 'p:none')).toBe('env.set of NOBODY')
    expect(await given.act('getEnvUntyped', 'p:none')).toBe('Invalid')
  })

  it('a variable is set only with permission; only callers with permission learn that it is missing', async () => {
    await using given = await kernelWith({
      'p:other': allow('env.set', 'SOMEBODY'),
      'p:set': allow('env.set', 'NOBODY'),
    })
    expect(await given.act('setEnv', 'p:other')).toBe('env.set of NOBODY')
    expect(await given.act('setEnv', 'p:set')).toBe('NotFound')
  })

  it('policies get the entry of a process, besides its pid', async () => {
    const expression = 'action == "process.send" && meta.entry == "app:guarded.collector" && meta.host == "app:host"'
    await using given = await kernelWith({ 'p:collectors': { ...allow('*'), expression } })
    expect(await given.act('send', 'p:collectors')).toBe('done')
    expect(await given.act('monitor', 'p:collectors')).toBe(`process.monitor of ${given.collector}`)
  })

  it('trySend returns false until the kernel has authorised it', async () => {
    await using given = await kernelWith({ 'p:send': allow('process.send') })
    expect(await given.act('trySend', 'p:send')).toBe('done')
  })

  it('an unknown entry is not found, and starts nothing', async () => {
    await using given = await kernelWith({ 'p:all': allow('*') })
    const before = given.kernel.kernel.processes.size
    await expect(given.scoped('p:gone').spawn('app:guarded.rest', host)).rejects.toMatchObject({ kind: 'NotFound' })
    await expect(processes.withOptions({ network: 'net:gone' }).spawn('app:guarded.rest', host)).rejects.toMatchObject({
      kind: 'NotFound',
    })
    expect(given.kernel.kernel.processes.size).toBe(before)
  })

  it('changed policies apply at once', async () => {
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
  it('nothing is checked', async () => {
    await using given = await kernelWith({})
    for (const operation of ['spawn', 'context', 'send', 'monitor', 'entry', 'direct'] as const) {
      expect(await processes.exec('app:guarded.act', host, operation, given.collector)).toBe('done')
      expect(await processes.withActor(ann).exec('app:guarded.act', host, operation, given.collector)).toBe('done')
    }
  })

  it('everything is denied in strict mode, except to the program around the application', async () => {
    await using given = await kernelWith({ 'p:all': allow('*') }, { strictMode: true })
    for (const [operation, ...asked] of table) {
      const denials = asked.map(([action, resource]) => `${action} of ${resource === '@' ? given.collector : resource}`)
      if (hidden.has(operation)) denials.push('NotFound')
      expect(denials).toContain(await processes.exec('app:guarded.act', host, operation, given.collector))
    }
    expect(await given.act('send', 'p:all')).toBe('done')
  })
})

describe('code that skips the checks', () => {
  it('sends nothing to processes that it may not reach', async () => {
    await using given = await kernelWith({})
    const allowed = await processes.spawn('app:guarded.collector', host)
    const id: EntryId = entryId('p:only')
    const fields = {
      actions: ['process.send'],
      resources: [allowed],
      effect: 'allow' as const,
      conditions: [],
      groups: [],
    }
    given.kernel.kernel.replacePolicies(new Map([[id, compilePolicy(id, fields)]]))
    const ends = Promise.all([processes.exited(allowed), processes.exited(given.collector)])
    await given.scoped('p:only').exec('app:guarded.smuggle', host, given.collector, allowed)
    await Promise.all([processes.cancel(allowed), processes.cancel(given.collector)])
    expect(await ends).toEqual([{ value: ['allowed'] }, { value: [] }])
  })

  it('cannot start processes without a decision', async () => {
    await using given = await kernelWith({ 'p:all': allow('*') })
    await expect(given.scoped('p:all').exec('app:guarded.bear', host)).rejects.toMatchObject({
      kind: 'PermissionDenied',
    })
    expect(given.kernel.log.join('\n')).toMatch(/broke the protocol and is ended: .* started .* without a request/)
  })
})

describe('the overlay of a message', () => {
  it.each([null, undefined, 'net:other'])(
    'is that of its sender’s thread, though the message claims %s',
    async (claimed) => {
      await using _ = await kernelWith({})
      const receiver = await processes.withOptions({ network: 'net:other' }).spawn('app:guarded.overlays', host, 1)
      const sender = processes.withOptions({ network: 'net:proxy' })
      await expect(sender.exec('app:guarded.disguise', host, receiver, claimed)).rejects.toMatchObject({
        details: { code: 'ENETWORK' },
      })
    },
  )
})

describe('the inherited context that a spawner claims', () => {
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
    [{ traceState: 'a=1\r\nx: forged' }, 'Invalid'],
    [{ deadline: 'soon' }, 'Invalid'],
    [{ actor: { id: 'root', meta: {} }, scope: [] }, 'Invalid'],
  ])('%j: %j', async (inherit, expected) => {
    await using _ = await kernelWith({})
    const answer: unknown = await processes
      .withOptions({ network: 'net:proxy' })
      .exec('app:guarded.claim', host, inherit)
    if (typeof expected === 'string') expect(answer).toBe(expected)
    else expect(answer).toMatchObject(expected)
  })
})

describe('a choice without a value', () => {
  it.each([
    ['an actor', { actor: undefined }],
    ['a scope', { scope: undefined }],
    ['nothing', { actor: undefined, scope: undefined, network: undefined }],
  ])('of %s changes nothing that is inherited', async (_what, choice) => {
    await using given = await kernelWith({ 'p:exec': allow(['process.exec', 'process.host']) })
    const frame = await given.scoped('p:exec').exec('app:guarded.claim', host, {}, choice)
    expect(frame).toMatchObject({ actor: { id: 'ann' }, scope: ['p:exec'] })
  })
})

it('a start that is linked needs the permission for that, also where its result is awaited', async () => {
  await using given = await kernelWith({
    'p:exec': allow(['process.exec', 'process.host']),
    'p:link': allow('process.spawn.linked'),
  })
  const started = async (...scope: string[]) => given.scoped(...scope).exec('app:guarded.claim', host, {}, {}, true)
  expect(await started('p:exec')).toBe('process.spawn.linked of app:tree.frame')
  expect(await started('p:exec', 'p:link')).toMatchObject({ actor: { id: 'ann' } })
})

describe('a name, and a member of a group', () => {
  it.each(['send', 'monitor', 'link', 'terminate', 'cancel'])('are shown to whom may %s', async (operation) => {
    const meta = 'meta.entry == "app:guarded.collector"'
    await using given = await kernelWith({
      'p:operation': { ...allow(`process.${operation}`), expression: meta },
      'p:join': allow('process.group.join'),
    })
    await processes.groups.join('collectors', given.collector)
    expect(await given.act('lookup', 'p:join')).toBe('none')
    expect(await given.act('members', 'p:join')).toBe('none')
    expect(await given.act('lookup', 'p:operation')).toBe(given.collector)
    expect(await given.act('members', 'p:operation')).toBe(given.collector)
    expect(await processes.exec('app:guarded.act', host, 'members', given.collector)).toBe(given.collector)
  })

  it('are not given to, or taken from, a process that a policy excepts by its entry', async () => {
    const excepted = [{ field: 'meta.entry', operator: 'eq', value: 'app:guarded.collector' }]
    await using given = await kernelWith({
      'p:all': allow('*'),
      'p:not': { ...allow('process.registry.foreign'), effect: 'deny', conditions: excepted },
    })
    for (const operation of ['registerForeign', 'unregisterForeign', 'joinForeign', 'leaveForeign'] as const) {
      expect(await given.act(operation, 'p:all', 'p:not')).toBe(`process.registry.foreign of ${given.collector}`)
      expect(await given.act(operation, 'p:all')).toBe('done')
    }
  })

  it('that are hidden leave a line in the log', async () => {
    await using given = await kernelWith({ 'p:none': { actions: '*', resources: '*', effect: 'deny' } })
    expect(await given.act('lookup', 'p:none')).toBe('none')
    expect(given.kernel.log.join('\n')).toContain(`denied: process.send of ${given.collector}`)
  })

  it('of its own are shown to all', async () => {
    await using given = await kernelWith({ 'p:join': allow(['process.group.join', 'process.registry.register']) })
    expect(await given.act('ownMember', 'p:join')).toBe('done')
  })
})

function policyId(action: string, resource: string): string {
  return `p:${`${action}_${resource}`.replaceAll(/[^\w]/g, '_')}`
}
