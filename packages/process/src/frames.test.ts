import { emptyFrame, type EntryId, entryId, fork, type Frame, runInFrame } from '@troupe/core'
import { Scope } from '@troupe/policy'
import { describe, expect, it } from 'vitest'
import { startKernel } from './testing/start-kernel.ts'
import { processes } from './api/processes.ts'

const host = 'app:host'
const proxy = 'net:proxy'
const other = 'net:other'
const overlays = [proxy, other]
const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

/** Runs code of the main program in a frame. Its network is that of its thread, whatever the frame says. */
async function inFrame<T>(change: Partial<Frame>, fn: () => Promise<T>): Promise<T> {
  return runInFrame(fork(emptyFrame, change), fn)
}

const id = (text: string): EntryId => entryId(text)

describe('the frame of a process', () => {
  it('has the overlay, the values and a child span of its spawner, and neither actor nor scope', async () => {
    await using _ = await startKernel({ programs: ['tree.frame', 'tree.childFrame'], overlays })
    const spawner = processes.withOptions({ network: proxy })
    const change = {
      overlay: id(other),
      values: { a: 1 },
      trace,
      actor: { id: 'anna', meta: {} },
      scope: [id('app:policy')],
      deadline: 5e12,
    }
    for (const program of ['app:tree.frame', 'app:tree.childFrame'] as const) {
      expect(await inFrame(change, async () => spawner.exec(program, host))).toEqual({
        overlay: proxy,
        values: { a: 1 },
        trace: expect.stringMatching(
          /^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[\da-f]{16}-01$/,
        ) as unknown,
        actor: undefined,
        scope: undefined,
        deadline: undefined,
      })
    }
  })

  it('has what was chosen for it', async () => {
    await using kernel = await startKernel({
      programs: ['tree.frame', 'tree.childFrame', 'tree.chosenFrame'],
      overlays,
      policies: { 'app:policy': { actions: '*', resources: '*', effect: 'allow' } },
    })
    const plan = processes.withOptions({ network: proxy }).withContext({ a: 1 }).withContext({ b: 2 })
    expect(
      await plan
        .withActor({ id: 'anna', meta: {} })
        .withScope(new Scope(['app:policy']))
        .exec('app:tree.frame', host),
    ).toMatchObject({
      overlay: proxy,
      values: { a: 1, b: 2 },
      actor: { id: 'anna' },
      scope: ['app:policy'],
    })
    expect(await plan.exec('app:tree.chosenFrame', host, other)).toMatchObject({
      overlay: other,
      values: { a: 1, b: 2, below: 2 },
    })
    expect(await plan.exec('app:tree.chosenFrame', host, null)).toMatchObject({ overlay: null })
    expect(await plan.exec('app:tree.chosenFrame', host, '')).toMatchObject({ overlay: proxy })
    expect(await kernel.exec('tree.childFrame')).toMatchObject({ overlay: undefined, values: {} })
  })

  it('is the clear network for all nested code, once that was chosen', async () => {
    await using _ = await startKernel({ programs: ['tree.frame', 'tree.childFrame'] })
    expect(await processes.withOptions({ network: null }).exec('app:tree.childFrame', host)).toMatchObject({
      overlay: null,
    })
  })

  it('has the overlay that its entry is pinned to, unless another was chosen', async () => {
    await using kernel = await startKernel({ programs: ['tree.frame'], pins: { 'tree.frame': proxy }, overlays })
    expect(await kernel.exec('tree.frame')).toMatchObject({ overlay: proxy })
    expect(await inFrame({ overlay: id(other) }, async () => kernel.exec('tree.frame'))).toMatchObject({
      overlay: proxy,
    })
    expect(await processes.withOptions({ network: other }).exec('app:tree.frame', host)).toMatchObject({
      overlay: other,
    })
  })

  it('is refused for an unknown overlay, or one that policies deny to its spawner', async () => {
    await using _ = await startKernel({
      programs: ['tree.frame', 'tree.chosenFrame'],
      overlays,
      policies: {
        'app:all': { actions: '*', resources: '*', effect: 'allow' },
        'app:not_other': { actions: 'network.select', resources: other, effect: 'deny' },
      },
    })
    const scoped = processes.withActor({ id: 'anna', meta: {} }).withScope(new Scope(['app:all', 'app:not_other']))
    const chosen = async (network: string) => scoped.exec('app:tree.chosenFrame', host, network)
    await expect(chosen('net:nowhere')).rejects.toMatchObject({ kind: 'NotFound' })
    await expect(chosen(other)).rejects.toMatchObject({
      kind: 'PermissionDenied',
      details: { action: 'network.select', resource: other },
    })
    expect(await chosen(proxy)).toMatchObject({ overlay: proxy })
  })
})

describe('a message', () => {
  const programs = ['tree.frames', 'tree.frame', 'tree.callOnce', 'tree.lateFrames', 'tree.sendOnce']
  const refused = { kind: 'PermissionDenied', details: { code: 'ENETWORK' } }

  it('from the clear network is handled in the network of its receiver', async () => {
    await using kernel = await startKernel({ programs, overlays })
    for (const network of [proxy, null]) {
      const handler = await processes.withOptions({ network }).spawn('app:tree.frames', host, 2)
      const ended = processes.exited(handler)
      await kernel.exec('tree.callOnce', handler)
      await processes.withOptions({ network: null }).exec('app:tree.callOnce', host, handler)
      const own = [network, network, network]
      expect(await ended).toEqual({ value: [own, own] })
    }
  })

  it('from an overlay reaches no process of another network', async () => {
    await using kernel = await startKernel({ programs, overlays })
    for (const network of [undefined, null, other]) {
      const spawner = network === undefined ? processes : processes.withOptions({ network })
      const handler = await spawner.spawn('app:tree.frames', host, 1)
      const ended = processes.exited(handler)
      for (const program of ['app:tree.callOnce', 'app:tree.sendOnce'] as const)
        await expect(processes.withOptions({ network: proxy }).exec(program, host, handler, 1)).rejects.toMatchObject({
          ...refused,
          message: expect.stringMatching(/overlay net:proxy.*accepts/) as unknown,
        })
      await kernel.exec('tree.callOnce', handler)
      const own = [network, network, network]
      expect(await ended).toEqual({ value: [own] })
    }
  })

  it('from an overlay is handled by a process that accepts it, in its own network', async () => {
    await using _ = await startKernel({ programs, overlays, accepts: { 'tree.frames': [proxy] } })
    const handler = await processes.withOptions({ network: null }).spawn('app:tree.frames', host, 1)
    const ended = processes.exited(handler)
    await expect(
      processes.withOptions({ network: other }).exec('app:tree.callOnce', host, handler),
    ).rejects.toMatchObject(refused)
    await processes.withOptions({ network: proxy }).exec('app:tree.callOnce', host, handler)
    expect(await ended).toEqual({ value: [[null, null, null]] })
  })

  it('is accepted from everywhere by an entry that is pinned to the clear network', async () => {
    await using _ = await startKernel({ programs, overlays, pins: { 'tree.frames': null } })
    const handler = await processes.spawn('app:tree.frames', host, 2)
    const ended = processes.exited(handler)
    for (const network of [proxy, other])
      await processes.withOptions({ network }).exec('app:tree.callOnce', host, handler)
    expect(await ended).toMatchObject({ value: [[null], [null]].map(([overlay]) => [overlay, overlay, overlay]) })
  })

  it('keeps the trace of its sender for the work that it started', async () => {
    await using _ = await startKernel({ programs, overlays })
    const handler = await processes.spawn('app:tree.lateFrames', host, 2)
    const ended = processes.exited(handler)
    for (const n of [0, 1]) await processes.exec('app:tree.sendOnce', host, handler, n)
    expect(await ended).toEqual({
      value: [
        [0, undefined],
        [1, undefined],
      ],
    })
  })

  it('sent at once after the start crosses only if it is accepted', async () => {
    await using _ = await startKernel({ programs: [...programs, 'tree.firstMessage'], overlays })
    const spawner = processes.withOptions({ network: proxy })
    expect(await spawner.withMessage('first', 1).exec('app:tree.lateFrames', host, 1)).toEqual([[1, proxy]])
    expect(await spawner.exec('app:tree.firstMessage', host, proxy)).toEqual([[1, proxy]])
    await expect(spawner.exec('app:tree.firstMessage', host, other)).rejects.toMatchObject(refused)
  })

  it('carries no port and no shared memory to another network', async () => {
    await using _ = await startKernel({ programs: [...programs, 'tree.sendThing'], overlays })
    const handler = await processes.withOptions({ network: proxy }).spawn('app:tree.frames', host, 1)
    for (const [thing, path] of [
      ['port', 'payload.deep[0]'],
      ['shared', 'payload'],
      ['view', 'payload'],
      ['writable', 'payload'],
    ] as const) {
      await expect(
        processes.withOptions({ network: null }).exec('app:tree.sendThing', host, handler, thing),
      ).rejects.toMatchObject({
        kind: 'Invalid',
        details: { path },
      })
    }
  })

  it('is not sent by trySend to another network either, and the sender continues', async () => {
    const given = await startKernel({ programs: [...programs, 'tree.tryShared'], overlays })
    await using _ = given
    const handler = await processes.withOptions({ network: proxy }).spawn('app:tree.frames', host, 2)
    const tried = processes.withOptions({ network: null }).exec('app:tree.tryShared', host, handler)
    expect(await tried).toEqual([false, ['Invalid', 'payload']])
    await processes.withOptions({ network: null }).exec('app:tree.sendOnce', host, handler, 'still heard')
    expect(given.log.filter((line) => line.includes('broke the protocol'))).toEqual([])
  })
})

it('errors in the values of a frame are sent completely, between threads and within one', async () => {
  await using kernel = await startKernel({ programs: ['talk.readFrame', 'talk.call'] })
  void kernel
  const error = Object.assign(new RangeError('no more', { cause: Object.assign(new Error('why'), { code: 'E1' }) }), {
    name: 'Quota',
    limit: 5,
  })
  const reader = await processes.spawn('app:talk.readFrame', host)
  const caller = processes.withContext({ failure: error, nested: { list: [error] }, plain: 1 })
  for (let time = 0; time < 2; time += 1) {
    const values = await caller.exec('app:talk.call', host, reader, 'a', null)
    const whole: unknown = expect.objectContaining({
      name: 'Quota',
      message: 'no more',
      limit: 5,
      cause: expect.objectContaining({ message: 'why', code: 'E1' }) as unknown,
    })
    expect(values).toEqual({ failure: whole, nested: { list: [whole] }, plain: 1 })
    expect((values as { readonly failure: unknown }).failure).toBeInstanceOf(RangeError)
  }
})
