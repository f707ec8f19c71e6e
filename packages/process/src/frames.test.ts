import { emptyFrame, type EntryId, entryId, fork, type Frame, runInFrame } from '@troupe/core'
import { Scope } from '@troupe/policy'
import { describe, expect, it } from 'vitest'
import { startKernel } from './testing/start-kernel.ts'
import { processes } from './thread/processes.ts'

const host = 'app:host'
const proxy = 'net:proxy'
const other = 'net:other'
const overlays = [proxy, other]
const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

/** The main program in a frame, with the overlay chosen as the kernel wants it. */
async function inFrame<T>(kernel: Awaited<ReturnType<typeof startKernel>>, change: Partial<Frame>, fn: () => Promise<T>): Promise<T> {
  const { overlay } = change
  if (overlay !== undefined) kernel.kernel.grants.grant(0, overlay)
  return runInFrame(fork(emptyFrame, change), fn)
}

const id = (text: string): EntryId => entryId(text)

describe('the frame of a process', () => {
  it('has the overlay, the values and a part of the trace of its spawner, and neither actor nor scope', async () => {
    await using kernel = await startKernel({ programs: ['tree.frame', 'tree.childFrame'], overlays })
    const change = {
      overlay: id(proxy),
      values: { a: 1 },
      trace,
      actor: { id: 'anna', meta: {} },
      scope: [id('app:policy')],
      deadline: 5e12,
    }
    for (const program of ['tree.frame', 'tree.childFrame']) {
      expect(await inFrame(kernel, change, async () => kernel.exec(program))).toEqual({
        overlay: proxy,
        values: { a: 1 },
        trace: expect.stringMatching(/^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[\da-f]{16}-01$/) as unknown,
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
    expect(await plan.exec('app:tree.chosenFrame', host, other)).toMatchObject({ overlay: other, values: { a: 1, b: 2, below: 2 } })
    expect(await plan.exec('app:tree.chosenFrame', host, null)).toMatchObject({ overlay: null })
    expect(await plan.exec('app:tree.chosenFrame', host, '')).toMatchObject({ overlay: proxy })
    expect(await kernel.exec('tree.childFrame')).toMatchObject({ overlay: undefined, values: {} })
  })

  it('is the clear network for all beneath, once that was chosen', async () => {
    await using _ = await startKernel({ programs: ['tree.frame', 'tree.childFrame'] })
    expect(await processes.withOptions({ network: null }).exec('app:tree.childFrame', host)).toMatchObject({ overlay: null })
  })

  it('has the overlay that its entry is pinned to, unless another was chosen', async () => {
    await using kernel = await startKernel({ programs: ['tree.frame'], pins: { 'tree.frame': proxy }, overlays })
    expect(await kernel.exec('tree.frame')).toMatchObject({ overlay: proxy })
    expect(await inFrame(kernel, { overlay: id(other) }, async () => kernel.exec('tree.frame'))).toMatchObject({ overlay: proxy })
    expect(await processes.withOptions({ network: other }).exec('app:tree.frame', host)).toMatchObject({ overlay: other })
  })

  it('is refused for an overlay that is not there, or that policies do not let its spawner choose', async () => {
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
    await expect(chosen(other)).rejects.toMatchObject({ kind: 'PermissionDenied', details: { action: 'network.select', resource: other } })
    expect(await chosen(proxy)).toMatchObject({ overlay: proxy })
  })
})

describe('a message', () => {
  it('is handled in the overlay of its sender, by a process that has none of its own', async () => {
    await using kernel = await startKernel({ programs: ['tree.frames', 'tree.frame', 'tree.callOnce'], overlays })
    const handler = await processes.spawn('app:tree.frames', host, 4)
    const ended = processes.exited(handler)
    for (const network of [proxy, other, null]) await processes.withOptions({ network }).exec('app:tree.callOnce', host, handler)
    await kernel.exec('tree.callOnce', handler)
    expect(await ended).toEqual({
      value: [
        [proxy, proxy, proxy],
        [other, other, other],
        [null, null, null],
        [undefined, undefined, undefined],
      ],
    })
  })

  it('is handled in the overlay of the process, if that has one', async () => {
    await using _ = await startKernel({ programs: ['tree.frames', 'tree.frame', 'tree.callOnce'], overlays })
    const handler = await processes.withOptions({ network: proxy }).spawn('app:tree.frames', host, 2)
    const ended = processes.exited(handler)
    for (const network of [other, null]) await processes.withOptions({ network }).exec('app:tree.callOnce', host, handler)
    expect(await ended).toEqual({
      value: [
        [proxy, proxy, proxy],
        [proxy, proxy, proxy],
      ],
    })
  })

  it('keeps its frame for the work that it started', async () => {
    await using kernel = await startKernel({ programs: ['tree.lateFrames', 'tree.sendOnce'], overlays })
    const handler = await processes.spawn('app:tree.lateFrames', host, 6)
    const ended = processes.exited(handler)
    const order = [proxy, other, proxy, null, undefined, other]
    for (const [n, overlay] of order.entries()) {
      const send = async () => processes.exec('app:tree.sendOnce', host, handler, n)
      await (overlay === undefined ? send() : inFrame(kernel, { overlay: overlay === null ? null : id(overlay) }, send))
    }
    expect(await ended).toEqual({ value: order.map((overlay, n) => [n, overlay]) })
  })

  it('of the first hour comes in the frame of the spawner', async () => {
    await using kernel = await startKernel({ programs: ['tree.lateFrames'], overlays })
    const spawner = processes.withMessage('first', 1)
    expect(await inFrame(kernel, { overlay: id(proxy) }, async () => spawner.exec('app:tree.lateFrames', host, 1))).toEqual([[1, proxy]])
  })
})
