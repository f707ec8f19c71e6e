import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { emptyFrame, entryId, fork, pid, unavailable } from '@troupe/core'
import { afterEach, describe, expect, it } from 'vitest'
import { peerWindow, Receipt } from '../shared-memory/credit.ts'
import { maxBatch } from '../protocol/signal-rules.ts'
import type { Signal } from '../protocol/signals.ts'
import { Channel } from './channel.ts'

/** Long enough for a busy machine. */
const patient = { timeout: 120_000 }

const from = pid(1, 1)
const to = pid(2, 1)
const frame = fork(emptyFrame, { overlay: entryId('app:proxy') })
const ports: MessagePort[] = []

afterEach(() => {
  for (const port of ports.splice(0)) port.close()
})

/** A channel, and the batches that a bare port receives at its other end. */
function oneEnd() {
  const { port1, port2 } = new MessageChannel()
  ports.push(port1, port2)
  const batches: Signal[][] = []
  const waiting: (() => void)[] = []
  port2.on('message', (batch: Signal[]) => {
    batches.push(batch)
    for (const resume of waiting.splice(0)) resume()
  })
  const channel = new Channel({
    thread: 2,
    own: 1,
    onLetters: () => undefined,
    onSignal: () => undefined,
    onBreach: () => undefined,
    onClose: () => undefined,
  })
  const seen = async (count: number) => {
    while (batches.length < count) await new Promise<void>((resume) => waiting.push(resume))
    return batches
  }
  return { channel, port: port1, other: port2, seen }
}

/** Two channels that `open` connects to each other. */
function unopened() {
  const { port1, port2 } = new MessageChannel()
  ports.push(port1, port2)
  const closed: number[] = []
  const got: Signal[] = []
  const broken: string[] = []
  const options = {
    onClose: ({ thread }: Channel) => closed.push(thread),
    onBreach: (_: Channel, why: string) => broken.push(why),
  }
  const near = new Channel({ ...options, thread: 2, own: 1, onLetters: () => undefined, onSignal: () => undefined })
  const far = new Channel({
    ...options,
    thread: 1,
    own: 2,
    onLetters: () => undefined,
    onSignal: (signal) => got.push(signal),
  })
  const open = () => {
    near.open(port1)
    far.open(port2)
    port1.ref()
    port2.ref()
  }
  return { near, far, got, closed, broken, open, farPort: port2 }
}

/** Two channels, connected to each other. */
function bothEnds() {
  const ends = unopened()
  ends.open()
  return ends
}

function send(channel: Channel, topic: string, payload: unknown, call = 0): void {
  channel.putSend({ to, topic, frame }, from, 'held', payload, call, { transfer: [], weight: 0 })
}

describe('a channel', () => {
  it('reports messages that cannot be decoded', () => {
    const { farPort, broken } = bothEnds()
    farPort.dispatchEvent(new MessageEvent('messageerror', { data: 'no such class here' }))
    expect(broken).toEqual([expect.stringContaining('cannot be decoded')])
  })

  it('posts the messages of a turn as one batch, in order', async () => {
    const { channel, port, seen } = oneEnd()
    channel.open(port)
    send(channel, 'a', 1)
    send(channel, 'a', 2)
    channel.put({ op: 'mark' })
    await Promise.resolve()
    send(channel, 'a', 3)
    send(channel, 'b', 4)
    const [batch] = await seen(1)
    expect(batch).toEqual([
      { op: 'send', to, from, topic: 'a', frame: { number: 0, frame }, payloads: [1, 2], call: 0, claim: 'held' },
      { op: 'mark' },
      { op: 'send', to, from, topic: 'a', frame: 0, payloads: [3], call: 0, claim: 'held' },
      { op: 'send', to, from, topic: 'b', frame: 0, payloads: [4], call: 0, claim: 'held' },
    ])
  })

  it('posts no more than fits into a batch, with what is added late', async () => {
    const { channel, port, seen } = oneEnd()
    channel.open(port)
    for (let number = 1; number < maxBatch; number += 1) channel.put({ op: 'reply', call: number, payload: number })
    channel.putLate(() => ({ op: 'passed' }))
    channel.put({ op: 'reply', call: maxBatch, payload: 0 })
    const batches = await seen(2)
    expect(batches.map(({ length }) => length)).toEqual([maxBatch, 1])
  })

  it.each([
    ['to one topic', () => 'a'],
    ['each to another topic', (index: number) => `t${index}`],
  ])('posts what was put before it was opened in batches that the other end accepts: %s', async (_what, topicOf) => {
    const { near, got, broken, open } = unopened()
    for (let index = 0; index < 700; index += 1) send(near, topicOf(index), index)
    open()
    const payloads = () => got.flatMap((signal) => (signal.op === 'send' ? signal.payloads : []))
    await expect.poll(() => [broken, payloads().length], patient).toEqual([[], 700])
    expect(payloads()).toEqual(Array.from({ length: 700 }, (_, index) => index))
  })

  it('sends calls alone, and never joins others to them', async () => {
    const { channel, port, seen } = oneEnd()
    channel.open(port)
    send(channel, 'a', 1)
    send(channel, 'a', 2, 7)
    send(channel, 'a', 3)
    const [batch] = await seen(1)
    expect(batch?.map((signal) => signal.op === 'send' && [signal.payloads, signal.call])).toEqual([
      [[1], 0],
      [[2], 7],
      [[3], 0],
    ])
  })

  it('does not accumulate: a long turn posts before it ends', async () => {
    const { channel, port, seen } = oneEnd()
    channel.open(port)
    for (let n = 0; n < 600; n += 1) send(channel, 'a', n)
    const batches = await seen(3)
    expect(
      batches.flatMap((batch) => batch.flatMap((signal) => (signal.op === 'send' ? signal.payloads : []))),
    ).toEqual([...Array(600).keys()])
  })

  it('joins nothing to messages that were already posted', async () => {
    const { channel, port, seen } = oneEnd()
    channel.open(port)
    // The last of a full batch begins a run.
    for (let n = 0; n < 256; n += 1) send(channel, n === 255 ? 'b' : `a${n}`, n)
    send(channel, 'b', 256)
    const batches = await seen(2)
    expect(
      batches.flatMap((batch) => batch.flatMap((signal) => (signal.op === 'send' ? signal.payloads : []))),
    ).toEqual([...Array(257).keys()])
  })

  it('sends a late signal with the next batch, or else when the turn of the event loop ends', async () => {
    const { channel, port, seen } = oneEnd()
    channel.open(port)
    channel.putLate(() => ({ op: 'mark' }))
    channel.putLate(() => undefined)
    send(channel, 'a', 1)
    const [batch] = await seen(1)
    expect(batch).toMatchObject([{ payloads: [1] }, { op: 'mark' }])
    channel.putLate(() => ({ op: 'passed' }))
    send(channel, 'a', 2)
    send(channel, 'a', 3)
    channel.flush()
    channel.putLate(() => ({ op: 'mark' }))
    const [, next, last] = await seen(3)
    expect([next, last]).toMatchObject([[{ payloads: [2, 3] }, { op: 'passed' }], [{ op: 'mark' }]])
  })

  it('keeps messages from before it was open', async () => {
    const { channel, port, seen } = oneEnd()
    for (let n = 0; n < 400; n += 1) send(channel, 'a', n)
    await new Promise(setImmediate)
    channel.open(port)
    const batches = await seen(2)
    expect(batches.flat().flatMap((signal) => (signal.op === 'send' ? signal.payloads : []))).toEqual([
      ...Array(400).keys(),
    ])
  })

  it('moves transferred objects', async () => {
    const { channel, port, seen } = oneEnd()
    channel.open(port)
    const bytes = new Uint8Array([1, 2])
    channel.putSend({ to, topic: 'bytes', frame }, from, 'held', bytes, 0, { transfer: [bytes.buffer], weight: 0 })
    const [batch] = await seen(1)
    expect(bytes.byteLength).toBe(0)
    expect(batch?.[0]).toMatchObject({ payloads: [new Uint8Array([1, 2])] })
  })

  it('reports its end after all messages', async () => {
    const { near, got, closed } = bothEnds()
    send(near, 'a', 1)
    near.flush()
    near.close()
    await expect.poll(() => closed, patient).toEqual([1])
    expect(got).toHaveLength(1)
  })

  it('reports when all has arrived, or never will', async () => {
    const { near, got } = bothEnds()
    expect(near.arrival()).toBeUndefined()
    expect(near.windows.get(to).reserve(from, 'a', false)).toBe('open')
    send(near, 'a', 1)
    const arrival = near.arrival()
    expect(arrival).toBeInstanceOf(Promise)
    await expect.poll(() => got.length, patient).toBe(2)
    near.passed()
    await arrival
    const never = [near.mark(), near.mark()]
    near.close()
    await Promise.all(never)
  })

  it('reports when all is posted: there was credit for it, or the other end is gone', async () => {
    for (const isGone of [false, true]) {
      const { channel, port, other } = oneEnd()
      for (let n = 0; n < 200; n += 1) {
        send(channel, 'a', n)
        channel.flush()
      }
      let isPosted = false
      const posted = channel.posted().then(() => (isPosted = true))
      const credit = new Receipt()
      // All signals were sent as one batch when the channel was opened.
      channel.open(port, { credit: credit.word, receipt: new Receipt().word })
      for (let n = 0; n < peerWindow.units; n += 1) {
        send(channel, 'a', n)
        channel.flush()
      }
      await new Promise(setImmediate)
      expect(isPosted).toBe(false)
      if (isGone) other.close()
      else credit.tell(peerWindow.units)
      await posted
    }
  })

  it('remembers which processes have ended', async () => {
    const { near } = bothEnds()
    const sendWindow = near.windows.get(to)
    expect(near.windows.get(to)).toBe(sendWindow)
    expect(near.windows.close(to, 0)).toEqual([])
    expect(near.windows.get(to).closed).toBe(true)
    await expect(
      near.windows
        .get(to)
        .sendLater({ from, topic: 'a', isCall: false, held: { withdrawn: false }, post: () => undefined }),
    ).rejects.toMatchObject({
      kind: 'NotFound',
    })
    for (let n = 0; n < 5000; n += 1) near.windows.close(pid(2, n + 2), 0)
    expect(near.windows.get(to).closed).toBe(false)
  })

  it('loses unread messages when the other thread is gone', () => {
    const { near } = bothEnds()
    const sendWindow = near.windows.get(to)
    sendWindow.reserve(from, 'a', false)
    sendWindow.reserve(from, 'call', true)
    sendWindow.reserve(from, 'b', false)
    expect(near.closeAll(unavailable('gone'))).toEqual([
      {
        pid: to,
        lost: [
          { from, topic: 'a' },
          { from, topic: 'b' },
        ],
      },
    ])
    expect(near.closeAll(unavailable('gone'))).toEqual([])
  })
})
