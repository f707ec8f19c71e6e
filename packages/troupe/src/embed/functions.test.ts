import type * as imagesModule from './fixtures/images.ts'
import { threadId } from 'node:worker_threads'
import { expect, describe, it } from 'vitest'
import { start } from '../index.ts'
import { callableModule } from './module-functions.ts'
import { ownEntriesOf } from './own-entries.ts'
import { startSocksProxy } from './testing/socks-proxy.ts'
import { startSite } from './testing/site.ts'

const url = new URL('fixtures/images.ts', import.meta.url)
const quiet = { onLog: () => {}, root: import.meta.dirname } as const

type Images = typeof imagesModule

describe('app.functions', () => {
  it('calls the exported functions on one pool, and removes it', async () => {
    await using app = await start(quiet)
    const entries = app.application.registry.entries().length
    const images = app.functions<Images>(url, { max: 1 })
    expect(await images.resize('cat', 3)).toBe('cat 3')
    const threads = await Promise.all([images.thread(), images.thread()])
    expect(threads).toEqual([threads[0], threads[0]])
    expect(threads[0]).not.toBe(threadId)
    await expect(images.fail('oops')).rejects.toMatchObject({ name: 'RangeError', message: 'oops' })
    expect(app.application.registry.entries()).toHaveLength(entries + 1)

    await images[Symbol.asyncDispose]()
    expect(app.application.registry.entries()).toHaveLength(entries)
    await expect(images.resize('cat', 3)).rejects.toMatchObject({ kind: 'Unavailable' })
  })

  it('waits for its calls when it is disposed of, and cancels those that do not end', async () => {
    await using app = await start(quiet)
    const images = app.functions<Images>(url, { max: 1 })
    const called = images.resize('cat', 3)
    await images[Symbol.asyncDispose]()
    expect(await called).toBe('cat 3')
    const module = callableModule(ownEntriesOf(app.application), url, { max: 1 })
    const endless = module.call('spin', []).catch((error: unknown) => error)
    await module.dispose(1)
    expect(await endless).toMatchObject({ kind: 'Canceled' })
  })

  it('is a plain object for code that makes text of it', async () => {
    await using app = await start(quiet)
    const images = app.functions(url, { max: 1 })
    expect(JSON.stringify(images)).toBe('{}')
    expect([images['toString'], images['valueOf']]).toEqual([undefined, undefined])
  })

  it('runs in the network that it names', async () => {
    await using site = await startSite()
    await using proxy = await startSocksProxy()
    await using app = await start({ ...quiet, networks: { tor: `socks5://127.0.0.1:${proxy.port}` } })
    const inTor = app.functions<Images>(url, { max: 1, network: 'tor' })
    expect([await inTor.network(), await inTor.load(site.url)]).toEqual(['app:tor', 'from 127.0.0.9'])
    expect(await app.functions<Images>(url, { max: 1, network: null }).network()).toBeNull()
    await expect(app.functions<Images>(url, { network: 'tro' }).network()).rejects.toThrow('there is no entry app:tro')
  })

  it('refuses what is no function, by its name', async () => {
    await using app = await start(quiet)
    // As plain JavaScript sees the module.
    const images = app.functions(url, { max: 1 })
    await expect(images['quality']?.()).rejects.toThrow('"quality" of')
    await expect(images['quality']?.()).rejects.toThrow('is not a function')
    await expect(images['quality']?.()).rejects.toThrow('troupe.program:images_')
    await expect(app.functions(new URL('7 up.ts', import.meta.url))['x']?.()).rejects.toThrow('troupe.program:_7_20up_')
    await expect(images['absent']?.()).rejects.toThrow('exports no "absent" (it exports callNetwork, fail, ')
    await expect(images['resize']?.(() => 1)).rejects.toMatchObject({ kind: 'Invalid' })
    expect(images['then']).toBeUndefined()
    expect(() => app.functions('./images.ts')).toThrow('functions: expected the URL of a file')
    const none = app.functions(new URL('fixtures/none.ts', import.meta.url), { max: 1 })
    await expect(none['x']?.()).rejects.toThrow(/there is no module \S+none\.ts$/)
    for (const name of ['images', 'images.js']) {
      const wrong = app.functions(new URL(`fixtures/${name}`, import.meta.url), { max: 1 })
      await expect(wrong['x']?.()).rejects.toThrow(`fixtures/${name}; did you mean "images.ts"?`)
    }
    await expect(app.functions(url, { max: 0 })['x']?.()).rejects.toThrow('pool')
  })
})
