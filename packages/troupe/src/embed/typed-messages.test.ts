import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { type App, type Pid, processes, type ProcessHandle, start } from '../index.ts'
import type { Messages, messages as declared } from './fixtures/typed.ts'
import { messages } from './fixtures/typed.ts'

const source = new URL('fixtures/typed.ts', import.meta.url)
const quiet = { onLog: () => {}, root: import.meta.dirname } as const

/** Resolves with the next dead letter. */
async function dead(): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>()
  subscribe('troupe:dead-letter', resolve)
  const letter = await promise
  unsubscribe('troupe:dead-letter', resolve)
  return letter
}

describe('declared messages', () => {
  it('are checked by the process, and a call is rejected with what is wrong', async () => {
    await using app = await start(quiet)
    // The handle has no validators: what arrives is checked in the process.
    const crawler = await app.spawn<typeof declared>(source)
    await crawler.send('visit', { url: 'https://example.org/' })
    expect(await crawler.call('count')).toBe(1)
    expect(await crawler.call('twice', 4)).toBe(8)
    const untyped = String(crawler.pid)
    const call = async (topic: string, payload?: unknown) => processes.call(untyped, topic, payload)
    await expect(call('twice', 'x')).rejects.toMatchObject({
      kind: 'Invalid',
      message: expect.stringContaining('message "twice": payload: ') as string,
    })
    await expect(call('none')).rejects.toThrow('there is no message "none" (there are visit, count, twice, stop)')
    await expect(call('toString')).rejects.toThrow('there is no message "toString"')
    // A message without a call becomes a dead letter, and the process continues.
    const letter = dead()
    await processes.send(untyped, 'visit', { url: 'no url' })
    expect(await letter).toMatchObject({
      to: untyped,
      topic: 'visit',
      reason: 'the receiver refused it: its payload does not fit at url',
    })
    const other = dead()
    await processes.send(untyped, 'none', 1)
    expect(await other).toMatchObject({
      topic: 'none',
      reason: expect.stringContaining('there is no message') as string,
    })
    expect(await crawler.call('count')).toBe(1)
    await crawler.send('stop')
    expect(await crawler.exited).toEqual({ value: 'https://example.org/ 1' })
  })

  it('are checked by the handle, if it is given the validators', async () => {
    await using app = await start(quiet)
    const crawler = await app.spawn({ source, messages })
    // @ts-expect-error -- a number for a URL
    await expect(crawler.send('visit', { url: 1 })).rejects.toThrow('message "visit": payload: url: ')
    for (const depth of [1, '2', 3]) await crawler.send('visit', { url: 'https://example.org/', depth })
    // The process itself replies with what does not fit: it fails, as its caller does.
    const exit = once(crawler, 'exit')
    await expect(crawler.call('count')).rejects.toThrow('message "count": reply: ')
    expect(await exit).toMatchObject([{ error: { message: expect.stringContaining('reply: ') as string } }])
  })

  it('give the caller the error of a handler, which ends the process', async () => {
    await using app = await start(quiet)
    const crawler = await app.spawn<typeof declared>(source)
    const crash = processes.call(String(crawler.pid), 'visit', { url: 'https://example.org/crash' })
    await expect(crash).rejects.toThrow('crashed on purpose')
    expect(await crawler.exited).toMatchObject({ error: { message: 'crashed on purpose' } })
  })

  it('may be types alone', async () => {
    await using app = await start(quiet)
    await using sum = await app.spawn<Messages>({ source, method: 'plain' })
    expect([await sum.call('add', 2), await sum.call('add', 3)]).toEqual([2, 5])
    await expect(processes.call(String(sum.pid), 'add', 'x')).rejects.toThrow('a number, please')
  })
})

describe('types', () => {
  it('of topics, payloads and replies', () => {
    type Handle = ProcessHandle<typeof declared>
    const right = async (app: App) => {
      const sum = await app.spawn<Messages>(source)
      expectTypeOf(await sum.call('add', 1)).toBeNumber()
      expectTypeOf(sum.pid).toEqualTypeOf<Pid<Messages>>()
      expectTypeOf(await processes.call(sum.pid, 'add', 1)).toBeNumber()
      const crawler = await app.spawn({ source, messages })
      expectTypeOf(await crawler.call('twice', 1)).toBeNumber()
      expectTypeOf(await crawler.call('count')).toBeNumber()
      await crawler.send('visit', { url: 'x', depth: '3' })
      await sum.send('reset')
      const any = await app.spawn(source)
      expectTypeOf(await any.call('anything', 1)).toBeUnknown()
      expectTypeOf(any.pid).toEqualTypeOf<Pid>()
    }
    expectTypeOf(right).toBeFunction()
    const wrong = async (sum: ProcessHandle<Messages>, crawler: Handle) => {
      // @ts-expect-error -- a text for a number
      await sum.call('add', 'x')
      // @ts-expect-error -- a text for a number
      await processes.call(sum.pid, 'add', 'x')
      // @ts-expect-error -- no payload
      await sum.call('add')
      // @ts-expect-error -- no such topic
      await sum.send('sub', 1)
      // @ts-expect-error -- nothing replies to it
      await sum.call('reset')
      // @ts-expect-error -- a payload for a topic without one
      await sum.send('reset', 1)
      // @ts-expect-error -- no URL
      await crawler.send('visit', { depth: 1 })
    }
    expectTypeOf(wrong).toBeFunction()
  })
})
