import { emptyFrame, entryId, isPid, type Frame, type Pid, pid, threadOf } from '@troupe/core'
import { processes } from '@troupe/process'
import type { CallRequest } from './protocol.ts'
import type { EntryInput } from '@troupe/registry'
import { describe, expect, it } from 'vitest'
import { funcs } from './funcs.ts'
import { bound, functionEntry, host, noChoice, processEntry, testApp, type TestApp } from './testing/app.ts'

const proxy = entryId('app:proxy')
const other = entryId('app:other')
const overlay = (id: typeof proxy): EntryInput => ({
  id,
  kind: 'network.socks5',
  fields: { host: '127.0.0.1', port: 9 },
})

const entries = [
  overlay(proxy),
  overlay(other),
  functionEntry('frame', { max: 1 }),
  functionEntry('pinned', { max: 1 }, { options: { network: other } }),
  functionEntry('cleared', { max: 1 }, { options: { network: null } }),
  functionEntry('nest', { max: 1 }),
  functionEntry('nestThrough', { max: 1 }),
  functionEntry('inlineFrame', 'inline'),
  functionEntry('threads', { max: 1 }),
  functionEntry('inlineThread', 'inline'),
  functionEntry('pid', { max: 1 }),
  processEntry('callingProcess'),
  processEntry('threadsOfProcess'),
]

async function overlayOf(app: TestApp, call: () => Promise<unknown>): Promise<unknown> {
  const seen: unknown = await app.run(call)
  return typeof seen === 'object' && seen !== null && 'overlay' in seen ? seen.overlay : seen
}

const inProxy = funcs.withOptions({ network: proxy })

describe('the overlay of a call', () => {
  it.each<[what: string, call: () => Promise<unknown>, expected: Frame['overlay']]>([
    ['is the clear network by default', async () => funcs.call('app:frame'), undefined],
    ['is the chosen one', async () => inProxy.call('app:frame'), proxy],
    ['is the one chosen last', async () => inProxy.withOptions({ network: other }).call('app:frame'), other],
    [
      'is not changed by an empty string',
      async () => inProxy.withOptions({ network: '' }).call('app:frame'),
      undefined,
    ],
    ['is cleared by null', async () => inProxy.withOptions({ network: null }).call('app:frame'), null],
    ['is the pin of the entry', async () => funcs.call('app:pinned'), other],
    ['is the chosen one, rather than the pin', async () => inProxy.call('app:pinned'), proxy],
    ['is inherited', async () => inProxy.call('app:nest', 'app:frame'), proxy],
    ['is inherited through levels', async () => inProxy.call('app:nest', 'app:nest', 'app:nest', 'app:frame'), proxy],
    ['is the pin, rather than inherited', async () => inProxy.call('app:nest', 'app:pinned'), other],
    ['is cleared by a pin', async () => inProxy.call('app:nest', 'app:cleared'), null],
    ['is inherited inline', async () => inProxy.call('app:nest', 'app:inlineFrame'), proxy],
    [
      'is inherited from a process',
      async () => processes.withOptions({ network: proxy }).exec('app:callingProcess', host, 'app:inlineFrame'),
      proxy,
    ],
  ])('%s', async (_, call, expected) => {
    await using app = await testApp({ entries })
    expect(await overlayOf(app, call)).toBe(expected)
  })

  it('is granted to the thread that runs it', async () => {
    await using app = await testApp({ entries })
    const id = String(await app.run(async () => inProxy.call('app:pid')))
    const thread = isPid(id) ? threadOf(id) : -1
    expect([app.kernel.grants.holds(thread, proxy), app.kernel.grants.holds(thread, other)]).toEqual([true, false])
  })

  it('is refused when it is unknown, or denied', async () => {
    await using app = await testApp({ entries: [...entries, ...noChoice] })
    await expect(
      app.run(async () => funcs.withOptions({ network: 'app:nothing' }).call('app:frame')),
    ).rejects.toMatchObject({
      kind: 'NotFound',
    })
    const scoped = funcs.withActor(bound.actor).withScope(bound.scope)
    await expect(app.run(async () => scoped.call('app:nestThrough', proxy, 'app:frame'))).rejects.toMatchObject({
      kind: 'PermissionDenied',
      details: { action: 'network.select', resource: proxy },
    })
    expect(app.functions.pools().map(({ running }) => running)).toEqual([0, 0])
  })
})

describe('a frame', () => {
  it('passes on values and deadline', async () => {
    await using app = await testApp({ entries })
    const soon = Date.now() + 60_000
    const seen = await app.functions.call({
      entry: entryId('app:nest'),
      args: ['app:frame'],
      frame: { ...emptyFrame, values: { tenant: 7 }, deadline: soon },
    })
    expect(seen).toMatchObject({ values: { tenant: 7 }, deadline: soon })
  })
})

describe('inline', () => {
  it('runs in the thread of the caller, unless that is the kernel', async () => {
    await using app = await testApp({ entries })
    const ofFunction = await app.run(async () => funcs.call('app:threads', 'app:inlineThread'))
    const ofProcess = await app.run(async () => processes.exec('app:threadsOfProcess', host, 'app:inlineThread'))
    for (const threads of [ofFunction, ofProcess]) {
      const [caller, callee] = Array.isArray(threads) ? threads.map(Number) : []
      expect(callee).toBe(caller)
    }
    expect(await app.run(async () => funcs.call('app:inlineThread'))).not.toBe(0)
  })
})

describe('a thread', () => {
  const question: CallRequest = {
    entry: entryId('app:frame'),
    args: [],
    choice: {},
    inherit: { overlay: undefined, values: {}, deadline: undefined, trace: undefined },
  }
  const ask = async (app: TestApp, by: Pid, inherit: Partial<CallRequest['inherit']> = {}) =>
    app.kernel.runtime.kernel.request('call', { ...question, inherit: { ...question.inherit, ...inherit } }, by)

  it('inherits what the kernel issued to it, whatever it claims', async () => {
    await using app = await testApp({ entries })
    expect(await ask(app, app.kernel.runtime.root.pid, { overlay: other })).toMatchObject({
      value: { overlay: undefined },
    })
  })

  it('cannot act for a call of another thread, nor for one that is over', async () => {
    await using app = await testApp({ entries })
    const over = await app.run(async () => funcs.call('app:pid'))
    for (const by of [over, pid(0, 2 ** 30), pid(1, 2 ** 30)].map(String).filter((id) => isPid(id))) {
      await expect(ask(app, by)).rejects.toMatchObject({ kind: 'PermissionDenied', details: { pid: by } })
    }
  })
})
