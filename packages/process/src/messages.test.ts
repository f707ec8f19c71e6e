import { type Pid, pid } from '@troupe/core'
import { describe, expect, it } from 'vitest'
import { startKernel } from './testing/start-kernel.ts'
import { processes } from './api/processes.ts'

/** Long enough for a busy machine. */
const patient = { timeout: 120_000 }

const host = 'app:host'
const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)
const envelopes = (count: number) => numbers(count).map((n) => ['n', n])

describe('messages', () => {
  it('of one sender to one receiver arrive in order, from the program and from a process', async () => {
    await using _ = await startKernel({ programs: ['talk.collect', 'talk.count'] })
    const collector = await processes.spawn('app:talk.collect', host, 3000)
    const ended = processes.exited(collector)
    await processes.exec('app:talk.count', host, collector, 1500)
    await Promise.all(numbers(1500).map(async (n) => processes.send(collector, 'm', n)))
    // The messages of one sender may overtake those of another.
    const exit = await ended
    const got: unknown[] = 'value' in exit && Array.isArray(exit.value) ? exit.value : []
    const of = (topic: string) => got.filter((envelope) => Array.isArray(envelope) && envelope[0] === topic)
    expect(of('n')).toEqual(envelopes(1500))
    expect(of('m')).toEqual(numbers(1500).map((n) => ['m', n]))
  })

  it('arrive before the EXIT of their sender', async () => {
    await using kernel = await startKernel({ programs: ['talk.hearOut', 'talk.count', 'talk.countAndRun'] })
    for (const program of ['app:talk.count', 'app:talk.countAndRun']) {
      expect(await kernel.exec('talk.hearOut', program, 700)).toEqual({
        heard: numbers(700),
        event: 'EXIT',
        from: true,
      })
    }
    expect(kernel.dead).toEqual([])
  })

  it('of a process that ends at once are not lost: by pid, by name, with and without an open channel', async () => {
    await using kernel = await startKernel({ programs: ['talk.collect', 'talk.countAndRun'] })
    const collector = await processes.withName('collector').spawn('app:talk.collect', host, 1500)
    const ended = processes.exited(collector)
    for (const to of [collector, 'collector', 'collector']) await kernel.exec('talk.countAndRun', to, 500)
    expect(await ended).toEqual({ value: [...envelopes(500), ...envelopes(500), ...envelopes(500)] })
    expect(kernel.dead).toEqual([])
  })

  it('that find no room before their sender has ended are dead letters', async () => {
    // The initial size of the window: a larger queue would increase it, if the sender lived to receive the report.
    await using kernel = await startKernel({ programs: ['talk.ignore', 'talk.countAndRun'], host: { queueSize: 16 } })
    const receiver = await processes.spawn('app:talk.ignore', host)
    await kernel.exec('talk.countAndRun', receiver, 50)
    const late = await kernel.deadLetters(34)
    expect(late).toHaveLength(34)
    expect(late[0]).toMatchObject({
      to: receiver,
      topic: 'n',
      reason: expect.stringContaining('the sender ended') as unknown,
    })
    await processes.cancel(receiver)
    const all = await kernel.deadLetters(50)
    expect(all).toHaveLength(50)
    expect(all.at(-1)?.reason).toContain('the receiver')
  })

  it('of an ended process to a missing process are dead letters', async () => {
    await using kernel = await startKernel({ programs: ['talk.countAndRun', 'life.answer'] })
    const gone = await processes.spawn('app:life.answer', host, 1)
    await processes.exited(gone)
    for (const to of ['unknown', gone, pid(4711, 1)]) await kernel.exec('talk.countAndRun', to, 3)
    const dead = await kernel.deadLetters(9)
    expect(dead.map(({ to }) => to)).toEqual([
      'unknown',
      'unknown',
      'unknown',
      gone,
      gone,
      gone,
      pid(4711, 1),
      pid(4711, 1),
      pid(4711, 1),
    ])
  })

  it('left unread are dead letters when their receiver ends, whatever became of their sender', async () => {
    await using kernel = await startKernel({ programs: ['life.wait', 'talk.count', 'talk.ignore'] })
    const receiver = await processes.spawn('app:talk.ignore', host)
    await kernel.exec('talk.count', receiver, 5)
    await processes.send(receiver, 'mine', 5)
    await processes.cancel(receiver)
    const dead = await kernel.deadLetters(6)
    expect(dead.map(({ topic }) => topic).toSorted()).toEqual(['mine', 'n', 'n', 'n', 'n', 'n'])
    expect(kernel.kernel.deadLetters.count).toBe(6)
  })

  it('left unread are dead letters when their receiver is terminated', async () => {
    await using kernel = await startKernel({ programs: ['life.loop'] })
    const receiver = await processes.spawn('app:life.loop', host)
    for (const n of [1, 2, 3]) expect(processes.trySend(receiver, 'n', n)).toBe(true)
    await processes.terminate(receiver)
    expect(await kernel.deadLetters(3)).toHaveLength(3)
  })

  it('to a missing process are refused', async () => {
    await using kernel = await startKernel({ programs: ['life.answer'] })
    const gone = await processes.spawn('app:life.answer', host, 1)
    await processes.exited(gone)
    for (const to of [gone, pid(4711, 1), pid(0, 0), pid(0, 7), 'unknown']) {
      await expect(processes.send(to, 'topic')).rejects.toMatchObject({ kind: 'NotFound' })
      await expect(processes.call(to, 'topic')).rejects.toMatchObject({ kind: 'NotFound' })
    }
    expect(processes.trySend(pid(0, 7), 'topic')).toBe(false)
    expect(kernel.dead).toEqual([])
  })

  it('that are invalid are refused: reserved topics, payloads that cannot be cloned', async () => {
    await using _ = await startKernel({ programs: ['talk.echo'] })
    const to = await processes.withName('echo').spawn('app:talk.echo', host)
    for (const receiver of [to, 'echo']) {
      for (const topic of ['@exit', ''])
        await expect(processes.send(receiver, topic)).rejects.toMatchObject({ kind: 'Invalid' })
      await expect(processes.send(receiver, 'a', { a: () => 5 })).rejects.toMatchObject({
        kind: 'Invalid',
        details: { path: 'payload.a' },
      })
      await expect(processes.call(receiver, 'a', [Symbol('s')])).rejects.toMatchObject({
        kind: 'Invalid',
        details: { path: 'payload[0]' },
      })
    }
    expect(() => processes.trySend(to, '@exit')).toThrow(expect.objectContaining({ kind: 'Invalid' }))
    expect(await processes.call(to, 'a', 5)).toBe(5)
  })

  it('are as they were when sent, or moved', async () => {
    await using kernel = await startKernel({ programs: ['talk.collect', 'talk.changed', 'talk.moved'] })
    const collector = await processes.withName('collector').spawn('app:talk.collect', host, 3)
    const ended = processes.exited(collector)
    await kernel.exec('talk.changed', collector)
    expect(await kernel.exec('talk.moved', collector)).toBe(0)
    const exit = await ended
    expect(exit).toEqual({
      value: expect.arrayContaining([
        ['value', { list: [1] }],
        ['value', { list: [1, 2] }],
        ['bytes', new Uint8Array([1, 2, 3])],
      ]) as unknown,
    })
  })
})

describe('a full mailbox', () => {
  it('makes send wait and trySend return false, from the program and from a process', async () => {
    await using kernel = await startKernel({
      programs: ['talk.afterSignal', 'talk.fill', 'talk.offer'],
      host: { queueSize: 32 },
    })
    const receiver = await processes.spawn('app:talk.afterSignal', host, 10)
    const ended = processes.exited(receiver)
    await processes.send(receiver, 'early')
    const accepted = await kernel.exec('talk.offer', receiver, 100)
    expect((accepted as boolean[]).filter(Boolean).length).toBeLessThanOrEqual(32)
    expect((accepted as boolean[]).at(-1)).toBe(false)
    let sent = 0
    const more = numbers(60).map(async (n) =>
      processes.send(receiver, 'late', n).then(
        () => {
          sent += 1
        },
        () => undefined,
      ),
    )
    await processes.send(receiver, 'go').catch(() => undefined)
    await ended
    await Promise.all(more)
    expect(sent).toBeLessThanOrEqual(60)
  })

  it('accepts its whole capacity from one thread, and no more', async () => {
    await using kernel = await startKernel({ programs: ['talk.ignore', 'talk.fill'], host: { queueSize: 100 } })
    const receiver = await processes.spawn('app:talk.ignore', host)
    expect(await kernel.exec('talk.fill', receiver)).toBe(100)
  })

  it.each([
    { tries: false, threads: 3 },
    { tries: true, threads: 1 },
  ])('never accepts more than its capacity: $threads threads, trySend $tries', async ({ tries, threads }) => {
    await using kernel = await startKernel({ programs: ['talk.ignore', 'talk.accepted'], host: { queueSize: 4 } })
    const receiver = await processes.spawn('app:talk.ignore', host)
    const counts = await Promise.all(
      numbers(threads).map(async () => kernel.exec('talk.accepted', receiver, 20, tries)),
    )
    const sum = counts.reduce<number>((all, count) => all + Number(count), 0)
    if (tries) expect(sum).toBeLessThanOrEqual(4)
    else expect(sum).toBe(4)
  })

  it('keeps senders waiting until there is room, in order', async () => {
    await using kernel = await startKernel({ programs: ['talk.afterSignal', 'talk.count'], host: { queueSize: 8 } })
    const receiver = await processes.spawn('app:talk.afterSignal', host, 200)
    const ended = processes.exited(receiver)
    const counting = kernel.exec('talk.count', receiver, 500).catch((error: unknown) => error)
    await processes.send(receiver, 'go')
    const exit = await ended
    const got = 'value' in exit ? (exit.value as [string, number][]) : []
    const order = got.map(([, n]) => n)
    expect(order).toEqual(order.toSorted((a, b) => a - b))
    expect(await counting).toMatchObject({ kind: 'NotFound' })
  })

  it('gives the room of ended threads to others', async () => {
    await using kernel = await startKernel({
      programs: ['talk.ignore', 'talk.count', 'talk.fill'],
      host: { queueSize: 64 },
    })
    const receiver = await processes.spawn('app:talk.ignore', host)
    for (let n = 0; n < 6; n += 1) await kernel.exec('talk.count', receiver, 1)
    await expect.poll(() => kernel.kernel.threads.size, patient).toBe(3)
    expect(await kernel.exec('talk.fill', receiver)).toBeGreaterThanOrEqual(58)
  })
})

describe('receiving', () => {
  it('from the mailbox of a topic', async () => {
    await using _ = await startKernel({ programs: ['talk.listenTo'] })
    const listener = await processes.spawn('app:talk.listenTo', host, 'mine')
    const ended = processes.exited(listener)
    for (const [topic, payload] of [
      ['other', 1],
      ['mine', 2],
      ['other', 3],
      ['mine', 'last'],
    ] as const)
      await processes.send(listener, topic, payload)
    expect(await ended).toEqual({ value: { got: [2, 'last'], others: [1, 3] } })
  })

  it('times out', async () => {
    await using kernel = await startKernel({ programs: ['talk.receiveFor'] })
    for (const timeout of [0, 10, '10ms'])
      await expect(kernel.exec('talk.receiveFor', timeout, 'topic')).rejects.toMatchObject({ kind: 'Timeout' })
    for (const timeout of [-1, Number.NaN, 'soon'])
      await expect(kernel.exec('talk.receiveFor', timeout)).rejects.toMatchObject({ kind: 'Invalid' })
  })

  it('waits longer than Node’s timers can', async () => {
    await using _ = await startKernel({ programs: ['talk.receiveFor'] })
    const receiver = await processes.spawn('app:talk.receiveFor', host, '1000h')
    const ended = processes.exited(receiver)
    await processes.send(receiver, 'late', 5)
    expect(await ended).toEqual({ value: 5 })
  })
})

describe('names', () => {
  it('are looked up once more when a process ends before it has accepted: of the same thread, in order', async () => {
    const host4 = { queueSize: 4, isolation: 'shared', workers: 1 } as const
    await using kernel = await startKernel({ programs: ['talk.ignore', 'talk.collect', 'talk.sendToTwo'], host: host4 })
    const deaf = await processes.withName('it').spawn('app:talk.ignore', host)
    const successor = await processes.spawn('app:talk.collect', host, 6)
    const collected = processes.exited(successor)
    // The first four are accepted; the others wait for room.
    expect(await kernel.exec('talk.sendToTwo', 'it', deaf, successor, 10)).toEqual([])
    expect(await collected).toEqual({ value: numbers(6).map((n) => ['n', n + 4]) })
    expect(await kernel.deadLetters(4)).toHaveLength(4)
  })

  it('are looked up once more when a process ends before it has accepted: of another thread', async () => {
    await using kernel = await startKernel({
      programs: ['talk.ignore', 'talk.echo', 'talk.sendToTwo'],
      host: { queueSize: 100 },
    })
    const deaf = await processes.withName('it').spawn('app:talk.ignore', host)
    const successor = await processes.spawn('app:talk.echo', host)
    const ended = processes.exited(successor)
    expect(await kernel.exec('talk.sendToTwo', 'it', deaf, successor, 400)).toEqual([])
    await processes.cancel(successor)
    const exit = await ended
    const taken = 'value' in exit ? Number(exit.value) : 0
    // Each message is found exactly once.
    expect(await kernel.deadLetters(400 - taken)).toHaveLength(400 - taken)
  })

  it('without a successor are not found', async () => {
    await using _ = await startKernel({ programs: ['talk.ignore'], host: { queueSize: 4 } })
    const deaf = await processes.withName('it').spawn('app:talk.ignore', host)
    const sent = numbers(30).map(async (n) => processes.send('it', 'n', n))
    const outcomes = Promise.allSettled(sent)
    await processes.terminate(deaf)
    const reasons = (await outcomes).flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason as unknown] : [],
    )
    expect(reasons.length).toBeGreaterThan(0)
    for (const reason of reasons) expect(reason).toMatchObject({ kind: 'NotFound' })
  })

  it('have one owner, and are free when it ends', async () => {
    await using _ = await startKernel({ programs: ['life.wait'] })
    const one = await processes.spawn('app:life.wait', host)
    const two = await processes.spawn('app:life.wait', host)
    await processes.names.register('it', one)
    await processes.names.register('it', one)
    await expect(processes.names.register('it', two)).rejects.toMatchObject({ kind: 'AlreadyExists' })
    await expect(processes.names.register('nothing', pid(4711, 1))).rejects.toMatchObject({ kind: 'NotFound' })
    for (const name of ['', '<1.1>'])
      await expect(processes.names.register(name, one)).rejects.toMatchObject({ kind: 'Invalid' })
    await processes.terminate('it')
    await expect.poll(async () => processes.names.lookup('it'), patient).toBeUndefined()
    await processes.names.register('it', two)
    await processes.names.unregister('it')
    expect(await processes.names.lookup('it')).toBeUndefined()
    await expect(processes.terminate('it')).rejects.toMatchObject({ kind: 'NotFound' })
  })

  it('lead to their owner at the time of the send', async () => {
    await using _ = await startKernel({ programs: ['talk.collect'] })
    const [one, two] = await Promise.all([1, 2].map(async () => processes.spawn('app:talk.collect', host, 1)))
    const ended = Promise.all([one, two].map(async (to) => processes.exited(to as Pid)))
    await processes.names.register('it', one)
    await processes.send('it', 'to', 'one')
    await expect.poll(async () => processes.names.lookup('it'), patient).toBeUndefined()
    await processes.names.register('it', two)
    await processes.send('it', 'to', 'two')
    expect(await ended).toEqual([{ value: [['to', 'one']] }, { value: [['to', 'two']] }])
  })
})
