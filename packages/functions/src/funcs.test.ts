import { emptyFrame, entryId, isPid, threadOf, type Pid } from '@troupe/core'
import { Scope } from '@troupe/policy'
import { processes } from '@troupe/process'
import { describe, expect, it } from 'vitest'
import { funcs } from './funcs.ts'
import { functionEntry, host, processEntry, testApp } from './testing/app.ts'

const entries = [
  functionEntry('echo', { max: 1 }),
  functionEntry('frame', { max: 1 }),
  functionEntry('pid', { max: 1 }),
  functionEntry('fail', { max: 1 }),
  functionEntry('uncloneable', { max: 1 }),
  functionEntry('missing', { max: 1 }),
  functionEntry('sendTo', { max: 1 }),
  processEntry('received'),
  { id: entryId('app:policy'), kind: 'security.policy', fields: { actions: '*', resources: '*', effect: 'allow' } },
  processEntry('callingProcess'),
]

describe('funcs.call', () => {
  it('returns what the function returns', async () => {
    await using app = await testApp({ entries })
    const args = [1, 'two', { three: [new Date(3)] }, undefined]
    expect(await app.run(async () => funcs.call('app:echo', ...args))).toEqual(args)
  })

  it('runs the function in the frame of the caller, with the changes of the builder', async () => {
    await using app = await testApp({ entries })
    const deadline = Date.now() + 60_000
    const actor = { id: 'alice', meta: { role: 'reader' } }
    const seen = await app.functions.call({
      entry: entryId('app:frame'),
      args: [],
      frame: { ...emptyFrame, actor, deadline },
    })
    expect(seen).toEqual({ ...emptyFrame, actor, deadline })
    const given = funcs
      .withContext({ a: 1, b: 1 })
      .withContext({ b: 2 })
      .withActor(actor)
      .withScope(new Scope(['app:policy']))
    expect(await app.run(async () => given.call('app:frame'))).toEqual({
      ...emptyFrame,
      actor,
      values: { a: 1, b: 2 },
      scope: ['app:policy'],
    })
    expect(await app.run(async () => funcs.call('app:frame'))).toEqual(emptyFrame)
  })

  it('gives each call its own id, in the thread that runs it', async () => {
    await using app = await testApp({ entries })
    const ids = await app.run(async () => Promise.all([funcs.call('app:pid'), funcs.call('app:pid')]))
    const pids = ids.map(String).filter((id): id is Pid => isPid(id))
    expect(new Set(pids).size).toBe(2)
    expect(new Set(pids.map((id) => threadOf(id))).size).toBe(1)
    expect(pids.map((id) => app.kernel.processes.get(id))).toEqual([undefined, undefined])
  })

  it('rejects with the error that the function throws, completely', async () => {
    await using app = await testApp({ entries })
    const thrown: unknown = await app.run(async () => funcs.call('app:fail')).catch((error: unknown) => error)
    expect(thrown).toMatchObject({
      name: 'RangeError',
      kind: 'Unknown',
      message: 'out of range',
      details: { limit: 7 },
      cause: { kind: 'Conflict', message: 'two at once' },
    })
    expect(thrown).toHaveProperty('stack', expect.stringContaining('programs.ts'))
  })

  it.each([
    ['an unknown entry', 'app:nothing', [], { kind: 'NotFound' }],
    ['an entry that is no function', 'app:received', [], { kind: 'Invalid' }],
    ['a missing method', 'app:missing', [], { kind: 'NotFound' }],
    ['an invalid id', 'nothing', [], { kind: 'Invalid' }],
    [
      'an argument that cannot be cloned',
      'app:echo',
      [1, { deep: [() => undefined] }],
      { kind: 'Invalid', details: { path: 'payload.deep[0]' } },
    ],
    [
      'a result that cannot be cloned',
      'app:uncloneable',
      [],
      { kind: 'Invalid', details: { path: 'payload.deep[1]' } },
    ],
  ])('refuses %s', async (_, id, args, error) => {
    await using app = await testApp({ entries })
    await expect(app.run(async () => funcs.call(id, ...args))).rejects.toMatchObject(error)
  })

  it('of the kernel with a value that cannot be cloned rejects, and no other call does', async () => {
    await using app = await testApp({ entries })
    const frame = { ...emptyFrame, values: { tenant: 1 } }
    const call = async (...args: unknown[]) => app.functions.call({ entry: entryId('app:echo'), args, frame })
    const calls = await Promise.allSettled([call(1), call(() => undefined), call(2), call(3)])
    expect(calls).toMatchObject([{ value: [1] }, { reason: { kind: 'Invalid' } }, { value: [2] }, { value: [3] }])
  })

  it('works from processes, and functions can send messages', async () => {
    await using app = await testApp({ entries })
    await app.run(async () => {
      expect(await processes.exec('app:callingProcess', host, 'app:echo', 1, 2)).toEqual([1, 2])
      const receiver = await processes.spawn('app:received', host)
      const exited = processes.exited(receiver)
      const sender = await funcs.call('app:sendTo', receiver)
      expect(await exited).toEqual({ value: ['hello', sender, 'from a function'] })
    })
  })
})
