import { currentFrame, emptyFrame, entryId, fork, type Frame, pid, runInSlot } from '@troupe/core'
import { describe, expect, it, vi } from 'vitest'
import type { Envelope } from '../../mailbox/message.ts'
import { LocalProcess } from './local-process.ts'

const from = pid(2, 1)
const proxy = fork(emptyFrame, { overlay: entryId('net:proxy'), values: { sender: 1 }, trace: 'trace' })
const other = fork(emptyFrame, { overlay: entryId('net:other') })

function localProcess(frame: Frame = emptyFrame) {
  const replies: unknown[] = []
  const unsent: string[] = []
  const process = new LocalProcess({
    pid: pid(1, 1),
    runtime: undefined,
    program: { entry: entryId('app:it'), module: 'file:///it.ts', method: 'main' },
    frame,
    accepts: [],
    queueSize: 8,
    localSpawn: undefined,
    services: {
      answer: (to, call, payload) => replies.push([to, call, payload]),
      onRefused: () => undefined,
      onOverflow: () => undefined,
      onFlow: () => undefined,
      onUnsent: (_, { topic }) => unsent.push(topic),
    },
  })
  const put = (frame: Frame, payload?: unknown, call = 0) => {
    const envelope: Envelope = { topic: 'a', from, payload, frame, call, receiveWindow: undefined, sequence: 0 }
    process.mailbox.put(envelope)
  }
  const run = async <T>(fn: () => Promise<T>) => runInSlot(process.slot(), fn)
  return { process, put, run, replies, unsent }
}

const overlayInForce = () => currentFrame()?.overlay
const traceInForce = () => currentFrame()?.trace

describe('the current frame', () => {
  it('in a loop is that of each message, queued or later', async () => {
    const { process, put, run } = localProcess()
    put(proxy, 1)
    put(other, 2)
    const seen: unknown[] = []
    const looping = run(async () => {
      for await (const { payload } of process.iterate(process.mailbox)) {
        seen.push([payload, traceInForce()])
        await new Promise(setImmediate)
        seen.push([payload, traceInForce()])
        if (payload === 4) break
      }
    })
    await new Promise(setImmediate)
    put(emptyFrame, 3)
    put(proxy, 4)
    await looping
    const traces = ['trace', undefined, undefined, 'trace']
    expect(seen).toEqual(
      traces.flatMap((trace, n) => [
        [n + 1, trace],
        [n + 1, trace],
      ]),
    )
  })

  it('has the trace of the sender, and everything else of the process', async () => {
    const { process, put, run } = localProcess(
      fork(emptyFrame, { values: { own: 1 }, actor: { id: 'anna', meta: {} } }),
    )
    put(proxy)
    const frame = await run(async () => {
      await process.receive(process.mailbox, undefined, undefined)
      return currentFrame()
    })
    expect(frame).toEqual({ ...emptyFrame, trace: 'trace', values: { own: 1 }, actor: { id: 'anna', meta: {} } })
  })

  it.each([entryId('net:own'), null])('stays in the overlay of the process: %s', async (overlay) => {
    const { process, put, run } = localProcess(fork(emptyFrame, { overlay }))
    put(proxy)
    put(fork(emptyFrame, { overlay: null }))
    const overlays = await run(async () => {
      const seen: unknown[] = []
      for (let n = 0; n < 2; n += 1) {
        await process.receive(process.mailbox, undefined, undefined)
        seen.push(overlayInForce())
      }
      return seen
    })
    expect(overlays).toEqual([overlay, overlay])
  })

  it('of work that was started for a message stays with it', async () => {
    const { process, put, run } = localProcess()
    for (const frame of [proxy, other, proxy, emptyFrame]) put(frame)
    const { promise: later, resolve } = Promise.withResolvers<void>()
    const work: Promise<unknown>[] = []
    await run(async () => {
      for await (const _ of process.iterate(process.mailbox)) {
        work.push(later.then(traceInForce))
        if (work.length === 4) break
      }
    })
    resolve()
    expect(await Promise.all(work)).toEqual(['trace', undefined, 'trace', undefined])
  })
})

describe('waiting for a message', () => {
  it('is fair, and leaves no timer', async () => {
    vi.useFakeTimers()
    const { process, put, run } = localProcess()
    const waits = run(async () =>
      Promise.all([1, 2].map(async () => process.receive(process.mailbox, undefined, 1000))),
    )
    put(emptyFrame, 'one')
    put(emptyFrame, 'two')
    expect((await waits).map(({ payload }) => payload)).toEqual(['one', 'two'])
    const late = run(async () => process.receive(process.mailbox, 'none', 1000))
    vi.runAllTimers()
    await expect(late).rejects.toMatchObject({ kind: 'Timeout' })
    const stopped = run(async () => process.receive(process.mailbox, undefined, 1000))
    process.cancel('enough')
    await expect(stopped).rejects.toMatchObject({ kind: 'Canceled', message: 'enough' })
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })

  it('ends when the process is cancelled, after queued messages', async () => {
    const { process, put, run } = localProcess()
    put(emptyFrame, 1)
    process.cancel('enough')
    process.cancel('once more')
    put(emptyFrame, 2)
    const got = await run(async () => Array.fromAsync(process.iterate(process.mailbox), ({ payload }) => payload))
    expect(got).toEqual([1, 2])
    await expect(run(async () => process.receive(process.mailbox, undefined, undefined))).rejects.toMatchObject({
      kind: 'Canceled',
    })
    expect(process.signal.reason).toMatchObject({ message: 'enough' })
    expect((await process.events[Symbol.asyncIterator]().next()).value).toEqual({ type: 'CANCEL', reason: 'enough' })
  })

  it('ends when the mailbox of a topic is closed', async () => {
    const { process, run } = localProcess()
    const own = process.mailbox.open('a')
    const got = run(async () => Array.fromAsync(process.iterate(own)))
    process.mailbox.shut('a')
    expect(await got).toEqual([])
    expect(await run(async () => Array.fromAsync(process.iterate(own)))).toEqual([])
  })

  it('replies to calls, and to nothing else', async () => {
    const { process, put, run, replies } = localProcess()
    put(emptyFrame, 'sent')
    put(emptyFrame, 'called', 7)
    await run(async () => {
      for (let n = 0; n < 2; n += 1) {
        const message = await process.receive(process.mailbox, undefined, undefined)
        message.reply(message.expectsReply)
      }
    })
    expect(replies).toEqual([[from, 7, true]])
  })
})

describe('the end', () => {
  it('replies to unread calls, and notifies waiting callers', async () => {
    const { process, put, run } = localProcess()
    const waiting = run(async () => process.receive(process.mailbox, 'other', undefined))
    put(emptyFrame, 1)
    expect(process.close({ value: 5 }).map(({ payload }) => payload)).toEqual([1])
    await expect(waiting).rejects.toMatchObject({ kind: 'Canceled' })
    expect([process.ended, process.signal.aborted]).toEqual([true, true])
  })

  it('makes the runtime report failed sends', async () => {
    const { process, unsent } = localProcess()
    const [before, after] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const sent = [before, after].map(async ({ promise }, n) =>
      process.hold(promise, { to: 'it', topic: String(n), withdrawn: false }),
    )
    before.reject(new Error('no'))
    await expect(sent[0]).rejects.toThrow('no')
    process.close({ value: 5 })
    after.reject(new Error('no'))
    await expect(sent[1]).rejects.toThrow('no')
    expect(unsent).toEqual(['1'])
  })
})
