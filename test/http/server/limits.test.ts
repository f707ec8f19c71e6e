import { describe, expect, it, vi } from 'vitest'
import { type Protocol, protocols, startWebApp, type WebApp } from './web-app.ts'

const endpoints = { act: { path: '/act', func: 'act' }, held: { path: '/held', func: 'held' } }
const service = { timeouts: { write: '1s' } }

/** An application whose function already has a thread, however long that took. */
async function start(pool: unknown, protocol: Protocol): Promise<WebApp> {
  const web = await startWebApp({ pool, protocol, service, endpoints })
  await served(web)
  return web
}

async function served(web: WebApp): Promise<void> {
  await vi.waitUntil(async () => (await get(web, '/act')) === 200, { timeout: 120_000 })
}

const get = async (web: WebApp, path: string) => (await web.fetch(path)).status
const said = (web: WebApp, words: string) => web.app.log.filter((line) => line.includes(words)).length

const pools = [
  ['in the server’s thread', 'inline'],
  ['in others', { max: 1, queue: 1 }],
] as const
const ways = protocols.flatMap((protocol) => pools.map(([name, pool]) => [name, protocol, pool] as const))

describe.each(ways)('a function that runs %s, over %s', (_, protocol, pool) => {
  it('and does not respond in time is cancelled, and its client gets an error', async () => {
    await using web = await start(pool, protocol)
    expect(await get(web, '/act?do=never')).toBe(504)
    await expect.poll(() => said(web, 'asked to stop')).toBe(1)
    await served(web)
  })

  it('and sends more than its client reads is not blocked forever', async () => {
    await using web = await start(pool, protocol)
    const response = await web.fetch('/act?do=endless')
    await expect.poll(() => said(web, 'endless ended')).toBe(1)
    await expect(response.arrayBuffer()).rejects.toThrow('terminated')
  })
})

describe.each(protocols)('a function that runs in its own threads, over %s', (protocol) => {
  it('and loops is ended with its thread; others are served', async () => {
    await using web = await start({ max: 1 }, protocol)
    expect(await get(web, '/act?do=loop')).toBe(504)
    await expect.poll(() => said(web, 'that answered requests ended')).toBe(1)
    await served(web)
  })

  it('and ends its thread fails only its request', async () => {
    await using web = await start({ max: 1 }, protocol)
    expect(await get(web, '/act?do=exit')).toBe(500)
    await served(web)
    expect(web.app.service('app:web').attempts).toBe(0)
  })

  it('waits in a queue of limited length', async () => {
    await using web = await startWebApp({ protocol, pool: { max: 1, queue: 1 }, endpoints })
    await using ear = await web.app.probe({ name: 'ear' })
    const first = get(web, '/held')
    const asked = await ear.next({ topic: 'held' })
    const others = [get(web, '/held'), get(web, '/held')]
    expect(await Promise.race(others)).toBe(503)
    asked.reply('one')
    expect(await first).toBe(200)
    ;(await ear.next({ topic: 'held' })).reply('two')
    expect((await Promise.all(others)).toSorted((a, b) => a - b)).toEqual([200, 503])
  })
})
