/** Processes of different nodes, as processes of the operating system on real servers. */
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { NodeProcess } from './node-process.ts'
import { Servers } from './servers.ts'
import { TalkingNode, twoNodes } from './talking-node.ts'

/** What became of a stream. */
const outcomes = z.object({ tried: z.number(), sent: z.number(), rejected: z.number() })

/** The numbers that processes of a node took from streams, in order. */
function taken({ lines }: NodeProcess): readonly number[] {
  return lines.flatMap(({ number }) => number ?? [])
}

function count(length: number): readonly number[] {
  return Array.from({ length }, (_, index) => index)
}

/** Resolves when a node has taken that number of a stream. */
async function took(node: NodeProcess, number: number): Promise<true> {
  return node.until((line) => (line.number === number ? true : undefined))
}

function letters({ lines }: NodeProcess) {
  return lines.flatMap(({ letter }) => letter ?? [])
}

describe('processes of two nodes', () => {
  it('send and call each other, and learn each other from what they get', async () => {
    await using stack = new AsyncDisposableStack()
    const servers = stack.use(await Servers.start({ count: 1 }))
    const { a, b } = await twoNodes(stack, servers)
    const [near, far, shared] = [await a.spawn(), await b.spawn(), await b.spawn('shared')]
    for (const pid of [far, shared]) {
      const to = b.remote(pid)
      expect(await a.tell(near, 'call', { to, topic: 'self' })).toEqual({ value: to })
      expect(await a.tell(near, 'call', { to, topic: 'from' })).toEqual({ value: near })
      // A pid of the other node comes back as it is written there, at any depth.
      expect(await a.tell(near, 'call', { to, topic: 'echo', payload: { one: near, two: [to] } })).toEqual({
        value: { one: near, two: [to] },
      })
      expect(await a.tell(near, 'send', { to, topic: 'note', payload: { me: near } })).toEqual({})
      expect(await b.until(pid, 'got', (value) => value.length > 0)).toEqual([
        { topic: 'note', payload: { me: a.remote(near) }, from: a.remote(near) },
      ])
    }
    // The other way, with the pid that was learned.
    expect(await b.tell(far, 'call', { to: a.remote(near), topic: 'self' })).toEqual({ value: a.remote(near) })
    expect(await a.tell(near, 'trySend', { to: b.remote(far), topic: 'note' })).toBe(true)
    const late = await a.tell(near, 'call', { to: b.remote(far), topic: 'silence', timeout: 50 })
    expect(late).toMatchObject({ error: { kind: 'Timeout' } })
  })

  it('exchange nothing that cannot leave the machine, and nothing that is too large', async () => {
    await using stack = new AsyncDisposableStack()
    const servers = stack.use(await Servers.start({ count: 1 }))
    const { a, b } = await twoNodes(stack, servers)
    const [near, far] = [await a.spawn(), await b.spawn()]
    const to = b.remote(far)
    const port = await a.tell(near, 'port', { to })
    expect(port).toMatchObject({ error: { kind: 'Invalid', details: { path: 'payload.deep[0]' } } })
    // Larger than a message of the servers (1 MiB), and smaller than `max_message`.
    const text = 'x'.repeat(3_000_000)
    expect(await a.tell(near, 'send', { to, topic: 'note', payload: [text] })).toEqual({})
    const [size] = await b.until(far, 'sizes', (value) => value.length === 1)
    expect(size).toBeGreaterThan(text.length)
    const tooMuch = await a.tell(near, 'send', { to, topic: 'note', payload: ['x'.repeat(9_000_000)] })
    expect(tooMuch).toMatchObject({ error: { kind: 'Invalid', details: { path: 'payload' } } })
  })

  it('watch each other: an end is reported once, after the last messages', async () => {
    await using stack = new AsyncDisposableStack()
    const servers = stack.use(await Servers.start({ count: 1 }))
    const { a, b } = await twoNodes(stack, servers)
    const near = await a.spawn()
    const [over, crash, linked] = [await b.spawn(), await b.spawn(), await b.spawn()]
    for (const pid of [over, crash]) expect(await a.tell(near, 'monitor', { to: b.remote(pid) })).toEqual({})
    expect(await a.tell(near, 'link', { to: b.remote(linked) })).toEqual({})
    expect(await b.tell(over, 'stream', { to: a.remote(near), count: 50 })).toMatchObject({ sent: 50 })
    b.order(over, 'end')
    b.order(crash, 'crash')
    const waiting = a.tell(near, 'exited', { to: b.remote(linked) })
    expect(await a.tell(near, 'call', { to: b.remote(linked), topic: 'self' })).toBeDefined()
    b.order(linked, 'crash')
    expect(await waiting).toMatchObject({ value: { error: { message: 'crashed' } } })
    const got = await a.until(near, 'got', (value) => value.length === 53)
    expect(got.slice(0, 50)).toEqual(count(50))
    expect(got.slice(50)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ type: 'EXIT', from: b.remote(over), value: 'over' }),
        expect.objectContaining({ type: 'EXIT', from: b.remote(crash) }),
        expect.objectContaining({ type: 'LINK_DOWN', from: b.remote(linked) }),
      ]),
    )
    const none = await a.tell(near, 'send', { to: b.remote(over), topic: 'note' })
    expect(none).toMatchObject({ error: { kind: 'NotFound' } })
  })
})

describe('a node that is killed', () => {
  it('ends what was under way to it, once, and its pids are never found again', async () => {
    await using stack = new AsyncDisposableStack()
    const servers = stack.use(await Servers.start({ count: 1 }))
    const { a, b } = await twoNodes(stack, servers)
    const [near, sender, far] = [await a.spawn(), await a.spawn(), await b.spawn()]
    const to = b.remote(far)
    expect(await a.tell(near, 'monitor', { to })).toEqual({})
    expect(await a.tell(near, 'link', { to })).toEqual({})
    expect(await a.tell(near, 'call', { to, topic: 'self' })).toEqual({ value: to })
    const call = a.tell(near, 'call', { to, topic: 'silence', timeout: 120_000 })
    const stream = a.tell(sender, 'stream', { to, count: 1_000_000 })
    await took(b.process, 3_000)
    b.process.child.kill('SIGKILL')
    expect(await call).toMatchObject({
      error: { kind: 'Unavailable', retryable: false, details: { code: 'nodedown', node: 'b' } },
    })
    const { tried, sent, rejected } = outcomes.parse(await stream)
    expect(sent + rejected).toBe(tried)
    const events = await a.until(near, 'events', (value) => value.length === 2)
    const failure = { kind: 'Unavailable', details: { code: 'nodedown' } }
    expect(events).toMatchObject([
      { type: 'EXIT', failure },
      { type: 'LINK_DOWN', failure },
    ])
    // What was taken is the beginning of what was sent; the rest was rejected, or is dead.
    const got = taken(b.process)
    expect(got).toEqual(count(got.length))
    // Beyond some of a turn, dead letters are only counted.
    let dead = 0
    while (got.length + dead + rejected < tried) dead = await a.deadLetters()
    for (const { reason } of letters(a.process)) expect(reason).toMatch(/may have arrived/)
    // The same name, as another incarnation.
    const again = stack.use(await TalkingNode.start(servers, 'b'))
    const other = await again.spawn()
    expect(await a.tell(near, 'call', { to: again.remote(other), topic: 'self' })).toEqual({
      value: again.remote(other),
    })
    const late = await a.tell(near, 'send', { to, topic: 'note' })
    expect(late).toMatchObject({ error: { kind: 'NotFound' } })
  })
})

describe('servers that are killed', () => {
  it('lose, double and reorder nothing between living nodes', async () => {
    await using stack = new AsyncDisposableStack()
    const servers = stack.use(await Servers.start({ count: 3 }))
    const { a, b } = await twoNodes(stack, servers)
    const [one, two] = [await a.spawn(), await b.spawn()]
    const total = 20_000
    const streams = Promise.all([
      a.tell(one, 'stream', { to: b.remote(two), count: total }),
      b.tell(two, 'stream', { to: a.remote(one), count: total }),
    ])
    await took(b.process, 1_000)
    // The server to which a is connected.
    await servers.kill(await a.server())
    expect(await streams).toMatchObject([
      { sent: total, rejected: 0 },
      { sent: total, rejected: 0 },
    ])
    await Promise.all([took(a.process, total - 1), took(b.process, total - 1)])
    for (const node of [a, b]) {
      expect(taken(node.process)).toEqual(count(total))
      expect(letters(node.process)).toEqual([])
    }
  })
})

describe('what other nodes may do', () => {
  it('is what the policies of `accept` allow', async () => {
    await using stack = new AsyncDisposableStack()
    const servers = stack.use(await Servers.start({ count: 1 }))
    const a = stack.use(await TalkingNode.start(servers, 'a'))
    const policy = {
      id: 'app:peers',
      kind: 'security.policy',
      actions: 'process.send',
      resources: '*',
      effect: 'allow',
      groups: ['peers'],
    }
    const b = stack.use(await TalkingNode.start(servers, 'b', { accept: { groups: ['peers'] } }, [policy]))
    await Promise.all([a.process.event('joined', 'b'), b.process.event('joined', 'a')])
    // In a host whose threads go on: the end of a thread is known to all that reached it.
    const [near, far] = [await a.spawn(), await b.spawn('shared')]
    const to = b.remote(far)
    expect(await a.tell(near, 'call', { to, topic: 'frame' })).toMatchObject({ value: { actor: { id: 'node:a' } } })
    // Not allowed: the watch is not set, and the end is not reported.
    expect(await a.tell(near, 'monitor', { to })).toEqual({})
    expect(await a.tell(near, 'call', { to, topic: 'self' })).toEqual({ value: to })
    // Nothing of another node ends from here yet.
    expect(await a.tell(near, 'terminate', { to })).toMatchObject({ error: { kind: 'Invalid' } })
    b.order(far, 'end')
    for (let isThere = true; isThere; ) {
      const sent = z.object({ error: z.unknown().optional() }).parse(await a.tell(near, 'send', { to, topic: 'note' }))
      isThere = sent.error === undefined
    }
    expect(await a.tell(near, 'events')).toEqual([])
  })
})
