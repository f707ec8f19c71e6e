import { entryId } from '@troupe/core'
import type { EntryInput } from '@troupe/registry'
import { describe, expect, it } from 'vitest'
import { funcs } from './funcs.ts'
import { functionEntry, type TestApp, testApp } from './testing/app.ts'

const ids = Array.from({ length: 6 }, (_, index) => entryId(`app:net${index}`))
const overlays: readonly EntryInput[] = ids.map((id) => ({
  id,
  kind: 'network.socks5',
  fields: { host: '127.0.0.1', port: 9 },
}))
const isolating: EntryInput = {
  id: entryId('app:tor'),
  kind: 'network.socks5',
  fields: { host: '127.0.0.1', port: 9, isolate: 'actor' },
}

const networks = [null, ...ids]

async function start(pool: unknown, ...more: EntryInput[]): Promise<TestApp> {
  return testApp({
    entries: [...overlays, isolating, functionEntry('remember', pool), functionEntry('sleep', pool), ...more],
  })
}

const through = (network: string | null) => funcs.withOptions({ network })

/** Returns the module's state after it has recorded a word: its thread, and the words that it was given before. */
async function remember(
  network: string | null,
  word: string,
): Promise<{ readonly thread: number; readonly words: readonly string[] }> {
  const seen: unknown = await through(network).call('app:remember', word)
  if (typeof seen !== 'object' || seen === null || !('thread' in seen) || !('words' in seen))
    throw new Error('no answer')
  return seen as { thread: number; words: string[] }
}

describe('a pool', () => {
  it('never shares a thread, and so a module, between networks', async () => {
    await using app = await start({ max: 8 })
    const words = networks.flatMap((network) =>
      ['a', 'b', 'c'].map((word) => ({ network, word: `${network} ${word}` })),
    )
    const seen = await app.run(async () =>
      Promise.all(words.map(async ({ network, word }) => ({ network, ...(await remember(network, word)) }))),
    )
    for (const { network, words: seenWords } of seen)
      expect(seenWords.every((word) => word.startsWith(`${network} `))).toBe(true)
    expect(app.functions.pools()[0]?.threads).toBeLessThanOrEqual(8)
  })

  it('has at most its limit of threads, and ends idle ones for other networks', async () => {
    await using app = await start({ max: 1 })
    for (const round of [1, 2]) {
      for (const network of networks) {
        const { words } = await app.run(async () => remember(network, String(round)))
        expect(words).toEqual([String(round)])
        expect(app.functions.pools()[0]?.threads).toBeLessThanOrEqual(1)
      }
    }
  })

  it('serves waiting networks, although another one calls without end', async () => {
    await using app = await start({ max: 1 })
    const over = new AbortController()
    const busy = app.run(async () => {
      const one = async () => {
        while (!over.signal.aborted) await remember(null, 'busy')
      }
      await Promise.all(Array.from({ length: 8 }, one))
    })
    for (const network of ids.slice(0, 2))
      expect(await app.run(async () => remember(network, 'one'))).toMatchObject({ words: ['one'] })
    over.abort()
    await busy
  })

  it('ends a thread for another network, although calls of its own network have waited longer', async () => {
    await using app = await start({ max: 1 })
    let ended = 0
    const sleep = async () => {
      await through(null).call('app:sleep', 10)
      ended += 1
    }
    const line = app.run(async () => Promise.all(Array.from({ length: 100 }, sleep)))
    await app.run(async () => through(ids[0] ?? null).call('app:sleep', 1))
    const endedBefore = ended
    await line
    expect(endedBefore).toBeLessThan(100)
  })

  it('gives a nested call in another network a thread beyond its limit, to avoid a deadlock', async () => {
    await using app = await start({ max: 1 }, functionEntry('through', { max: 1 }))
    const nested = networks.map((network) => ({ network, call: 'app:through' }))
    const path = await app.run(async () => funcs.call('app:through', nested))
    expect(path).toEqual([undefined, ...networks])
    await expect
      .poll(() => app.functions.pools().find(({ entry }) => entry === 'app:through')?.threads)
      .toBeLessThanOrEqual(1)
  })

  it('keeps actors apart where their overlay does, up to a limit', async () => {
    await using app = await start({ max: 8, max_isolation_keys: 3 })
    const as = async (actor: string) =>
      funcs.withOptions({ network: isolating.id }).withActor({ id: actor, meta: {} }).call('app:remember', actor)
    const seen = await app.run(async () => Promise.all(['ann', 'bob', 'cyd', 'ann'].map(as)))
    for (const answer of seen) expect(new Set((answer as { words: string[] }).words).size).toBe(1)
    await expect(app.run(async () => as('dan'))).rejects.toMatchObject({ kind: 'RateLimited' })
  })

  it('passes plain data between networks, and nothing that could carry work', async () => {
    await using app = await start({ max: 2 })
    const shared = new SharedArrayBuffer(4)
    const [network] = ids
    await expect(
      app.run(async () => through(network ?? null).call('app:remember', { deep: [shared] })),
    ).rejects.toMatchObject({
      kind: 'Invalid',
      details: { path: 'args[0].deep[0]' },
    })
    await app.run(async () => funcs.call('app:remember', { deep: [shared] }))
  })
})

describe('an inline function', () => {
  it('runs in the thread of its caller only in that thread’s network', async () => {
    await using app = await start(
      { max: 4 },
      functionEntry('inlineThread', 'inline'),
      functionEntry('threadsThrough', { max: 1 }),
    )
    const [network] = ids
    const threads = await app.run(async () => funcs.call('app:threadsThrough', 'app:inlineThread', network))
    const [own, inOwn, inOther] = threads as number[]
    expect(inOwn).toBe(own)
    expect(inOther).not.toBe(own)
  })
})
