import { readdirSync } from 'node:fs'
import { execFile } from 'node:child_process'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { runInThisContext } from 'node:vm'
import { threadId } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { funcs, start, withNetwork } from '../index.ts'
import { startSite } from './testing/site.ts'
import { startSocksProxy } from './testing/socks-proxy.ts'
import type * as imagesModule from './fixtures/images.ts'
import type * as nestedModule from './fixtures/nested.ts'
import type * as jobModule from './fixtures/job.ts'

const images = new URL('fixtures/images.ts', import.meta.url)
const job = new URL('fixtures/job.ts', import.meta.url)
const dead = 'socks5://ann:hunter2@127.0.0.1:1'
const run = promisify(execFile)
/** A function as its source: the test runner rewrites imports. */
const asFunction = (source: string): unknown => runInThisContext(source)
const folders = () => readdirSync(tmpdir()).filter((name) => name.startsWith(`troupe-program-${process.pid}-`))

describe('withNetwork', () => {
  it('calls the default function in a thread of the network, and leaves nothing', async () => {
    const before = folders()
    const { overlay, thread } = await withNetwork<typeof jobModule>(dead, job)
    expect(overlay).toMatch(/^troupe\.program:network_/)
    expect(thread).not.toBe(threadId)
    expect(await withNetwork<typeof jobModule>(null, job)).toMatchObject({ overlay: null })
    await expect(funcs.call('app:none')).rejects.toThrow('no Troupe application runs')
    expect(folders()).toEqual(before)
  })

  it('returns the functions of a module, whose traffic goes through the network or fails', async () => {
    await using site = await startSite()
    await using proxy = await startSocksProxy({ username: 'ann', password: 'hunter2' })
    const url = `socks5://ann:hunter2@127.0.0.1:${proxy.port}`
    await using through = await withNetwork<typeof imagesModule>(url, images)
    await using failing = await withNetwork<typeof imagesModule>(dead, images)
    expect([await through.load(site.url), await through.loadByHttp(site.url)]).toEqual([
      'from 127.0.0.9',
      'from 127.0.0.9',
    ])
    expect(await through.thread()).toBe(await through.thread())
    const error = await failing.load(site.url).catch((reason: unknown) => reason)
    expect(String(error)).toContain('fetch failed')
    expect(JSON.stringify(error)).not.toContain('hunter2')
    // The hidden application runs beside that of the program, which alone is meant by others.
    await using app = await start({ root: import.meta.dirname, onLog: () => {}, networks: { tor: dead } })
    expect(await withNetwork<typeof jobModule>('tor', job)).toMatchObject({ overlay: 'app:tor' })
    await expect(funcs.call('app:none')).rejects.toMatchObject({ kind: 'NotFound' })
    await app.stop()
    expect(await through.load(site.url)).toBe('from 127.0.0.9')
  })

  it('uses the application of the program, and removes what it added', async () => {
    await using app = await start({ root: import.meta.dirname, onLog: () => {}, networks: { tor: dead } })
    const { registry } = app.application
    const before = registry.entries().map(({ id }) => id)
    expect(await withNetwork<typeof jobModule>('tor', job)).toMatchObject({ overlay: 'app:tor' })
    expect(await withNetwork<typeof jobModule>(dead, job)).toMatchObject({
      overlay: expect.stringContaining('troupe.program') as string,
    })
    expect(registry.entries().map(({ id }) => id)).toEqual(before)
    expect(JSON.stringify(registry.history())).not.toContain('hunter2')
    await expect(withNetwork<typeof jobModule>('tro', job)).rejects.toThrow('there is no entry app:tro')
  })

  it('gives code no way to another network', async () => {
    const ways = await withNetwork<typeof nestedModule>(dead, new URL('fixtures/nested.ts', import.meta.url))
    expect(ways).toEqual([
      expect.stringContaining('withNetwork: processes and functions of an application choose a network by its entry'),
      expect.stringMatching(/network\(\): this thread runs in overlay troupe\.program:network_\d+ and has no other/),
    ])
  })

  it('reads the path in a function that only imports, relative to its file', async () => {
    await using site = await startSite()
    await using proxy = await startSocksProxy()
    const program = fileURLToPath(new URL('fixtures/with-network-program.ts', import.meta.url))
    const { stdout } = await run(process.execPath, [program, `socks5://127.0.0.1:${proxy.port}`, site.url])
    expect(JSON.parse(stdout)).toMatchObject({
      job: { overlay: expect.stringContaining('network_') as string },
      loaded: 'from 127.0.0.9',
      packaged: expect.stringContaining('"troupe" is a package') as string,
    })
  })

  const functions: readonly (readonly [unknown, string])[] = [
    [async () => fetch('http://127.0.0.1'), 'with the state that it closes over'],
    [asFunction('async () => (await import("./job.ts")).run(state)'), 'with the state that it closes over'],
    [asFunction('() => import(state)'), 'with the state that it closes over'],
    [asFunction('() => import(`./${state}.ts`)'), 'with the state that it closes over'],
    [asFunction('(state) => import("./job.ts")'), 'with the state that it closes over'],
    [asFunction("() => import('vitest')"), '"vitest" is a package'],
    [async () => import('./fixtures/job.ts'), 'Vite has rewritten'],
    ['./fixtures/job.ts', 'withNetwork: expected the URL of a module, or a function'],
  ]
  it.each(functions)('refuses %o', async (load, words) => {
    await expect(withNetwork(dead, load as never)).rejects.toThrow(words)
  })

  it('refuses a wrong network, and what is not there', async () => {
    await expect(withNetwork('http://ann:hunter2@h:1', job)).rejects.toThrow('withNetwork: "http:" is not a kind of')
    const none = new URL('fixtures/none.ts', import.meta.url)
    await expect(withNetwork(dead, none)).rejects.toThrow('none.ts')
    expect(folders()).toEqual([])
  })
})
