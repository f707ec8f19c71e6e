/** Connections to the proxy that are kept ready. */
import { currentSlot, emptyFrame, entryId, fork, runInSlot } from '@troupe/core'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { describe, expect, it, onTestFinished } from 'vitest'
import { dial } from '../../dial/dial.ts'
import { overlayMoved } from '../../listen/overlay-changes.ts'
import { Registry } from '@troupe/registry'
import { networkKinds } from '../../overlay/overlay-kinds.ts'
import { OverlayTable } from '../../overlay/overlay-table.ts'
import type { Route } from '../../overlay/route.ts'
import { proxiesOf } from './route.ts'
import { closeSpares, Spares } from './spares.ts'
import { CountedProxy } from './testing/counted-proxy.ts'
import { askLogin, failure, granted, greeting, isolate, login, loginTaken, route, target } from './testing/sample.ts'
import { answering, readRequest, type Script } from './testing/scripted-proxy.ts'

const patience = { timeout: 120_000 }
const works = answering({ greeting, reply: granted.ipv4 })
const withLogin = answering({ greeting: askLogin, login: loginTaken, reply: granted.ipv4 })
const { overlay } = route({ port: 1 })

async function proxyOf(script: Script, path?: string): Promise<CountedProxy> {
  const proxy = await CountedProxy.start(script, path)
  onTestFinished(async () => {
    closeSpares({ overlay })
    await proxy[Symbol.asyncDispose]()
  })
  return proxy
}

async function dialAndEnd(way: Route): Promise<void> {
  const socket = await dial(way, target, patience)
  socket.destroy()
  await once(socket, 'close')
}

/** Lets code run that a finished dial has scheduled, and replies arrive. */
async function turns(): Promise<void> {
  for (let n = 0; n < 5; n += 1) await new Promise(setImmediate)
}

describe('how many', () => {
  it('adaptive: none after one dial, then as many as there were dials, up to 8', async () => {
    const proxy = await proxyOf(works)
    const way = route(proxy, { spares: 'adaptive' })
    await dialAndEnd(way)
    await turns()
    expect(proxy.came).toBe(1)
    await dialAndEnd(way)
    await expect.poll(() => proxy.counts, patience).toEqual([2, 4])
    // The dial uses one, and opens what is missing for three dials.
    await dialAndEnd(way)
    await expect.poll(() => proxy.counts, patience).toEqual([3, 6])
    for (let n = 0; n < 20; n += 1) await dialAndEnd(way)
    await expect.poll(() => proxy.counts[0], patience).toBe(8)
  })

  it('a number: that many after the first dial', async () => {
    const proxy = await proxyOf(works)
    await dialAndEnd(route(proxy, { spares: 3 }))
    await expect.poll(() => proxy.counts, patience).toEqual([3, 4])
  })

  it.each([[0], [undefined]])('%s: none', async (spares) => {
    const proxy = await proxyOf(works)
    const way = route(proxy, spares === undefined ? {} : { spares })
    for (let n = 0; n < 5; n += 1) await dialAndEnd(way)
    await turns()
    await expect.poll(() => proxy.counts, patience).toEqual([0, 5])
  })

  it('none through a proxy that refuses or does not work', async () => {
    const refusing = await proxyOf(answering({ greeting, reply: Buffer.from([5, 5, 0, 1, 0, 0, 0, 0, 0, 0]) }))
    await failure(dial(route(refusing, { spares: 2 }), target, patience))
    // It replied, so it works.
    await expect.poll(() => refusing.counts, patience).toEqual([2, 3])
    const broken = await proxyOf(async (socket) => void socket.end())
    await failure(dial(route(broken, { spares: 2 }), target, patience))
    await turns()
    await expect.poll(() => broken.counts, patience).toEqual([0, 1])
  })
})

describe('a spare', () => {
  it('serves one dial, which sends only what is left', async () => {
    const proxy = await proxyOf(works)
    const way = route(proxy, { spares: 1 })
    await dialAndEnd(way)
    await expect.poll(() => proxy.counts, patience).toEqual([1, 2])
    await expect.poll(() => proxy.said(1), patience).toEqual(greetingOf(0))
    await turns()
    const socket = await dial(way, target, patience)
    expect(proxy.said(1).subarray(3, 7)).toEqual(Buffer.from([5, 1, 0, 3]))
    await expect.poll(() => proxy.counts, patience).toEqual([2, 3])
    const other = await dial(way, target, patience)
    expect(other.localPort).not.toBe(socket.localPort)
    for (const used of [socket, other]) used.destroy()
  })

  it('carries no login: each dial on one sends its own', async () => {
    const proxy = await proxyOf(withLogin)
    const way = route(proxy, { spares: 2, isolate })
    await dialAndEnd(way)
    await expect.poll(() => proxy.counts, patience).toEqual([2, 3])
    for (const spare of [1, 2]) await expect.poll(() => proxy.said(spare), patience).toEqual(greetingOf(2))
    await turns()
    await dialAndEnd(way)
    await dialAndEnd(way)
    const logins = [0, 1, 2].map((at) =>
      proxy
        .said(at)
        .subarray(3, 3 + 2 + 32 + 1 + 32)
        .toString('hex'),
    )
    expect(new Set(logins).size).toBe(3)
    for (const sent of logins) expect(sent).toMatch(/^0120/)
  })

  it('sends nothing before its dial where the proxy takes everything in one write', async () => {
    const proxy = await proxyOf(withLogin)
    const way = route(proxy, { spares: 1, login, optimistic: true })
    await dialAndEnd(way)
    await expect.poll(() => proxy.counts, patience).toEqual([1, 2])
    await turns()
    expect(proxy.said(1)).toHaveLength(0)
    await dialAndEnd(way)
    expect(proxy.said(1).subarray(0, 5)).toEqual(Buffer.from([5, 1, 2, 1, login.username.length]))
  })

  it('has its events in the context of the dial that it serves', async () => {
    const proxy = await proxyOf(async (socket, read) => {
      await works(socket, read)
      socket.end('hello')
    })
    const way = route(proxy, { spares: 1 })
    const slotOf = (pid: string) => ({ frame: fork(emptyFrame, { actor: { id: pid, meta: {} } }), owner: {} })
    const ownerOf = async (pid: string) =>
      runInSlot(slotOf(pid), async () => {
        const socket = await dial(way, target, patience)
        return new Promise((resolve) => {
          socket.on('data', () => {
            resolve(currentSlot()?.frame.actor?.id)
            socket.destroy()
          })
        })
      })
    expect(await ownerOf('first')).toBe('first')
    await expect.poll(() => proxy.counts, patience).toEqual([1, 2])
    expect(await ownerOf('second')).toBe('second')
    expect(proxy.said(1).length).toBeGreaterThan(3)
  })

  it('is one at a Unix socket too', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'troupe-'))
    onTestFinished(async () => rm(folder, { recursive: true }))
    const path = join(folder, 's')
    const proxy = await proxyOf(works, path)
    const way: Route = { ...route(proxy), config: { proxies: [{ host: `unix:${path}` }], spares: 1 } }
    await dialAndEnd(way)
    await expect.poll(() => proxy.counts, patience).toEqual([1, 2])
    await expect.poll(() => proxy.said(1), patience).toEqual(greetingOf(0))
    await turns()
    await dialAndEnd(way)
    expect(proxy.said(1).length).toBeGreaterThan(3)
  })

  it('leads to the first proxy of a chain only', async () => {
    const second = await proxyOf(works)
    const first = await proxyOf(async (socket, read) => {
      await read(3)
      socket.write(greeting)
      await readRequest(read)
      socket.write(granted.ipv4)
      // From here on it is the second proxy.
      await works(socket, read)
    })
    const via = { ...route(first, { spares: 1 }), overlay: entryId('app:hop') }
    onTestFinished(() => closeSpares(via))
    const way = route(second, { spares: 1, via })
    await dialAndEnd(way)
    await expect.poll(() => first.counts, patience).toEqual([1, 2])
    await dialAndEnd(way)
    await expect.poll(() => first.counts, patience).toEqual([1, 3])
    expect(second.came).toBe(0)
  })
})

describe('spares end', () => {
  it('when the overlay is replaced or removed, and none follow by the old route', async () => {
    const proxy = await proxyOf(works)
    const way = route(proxy, { spares: 2 })
    await dialAndEnd(way)
    await expect.poll(() => proxy.counts, patience).toEqual([2, 3])
    overlayMoved({ overlay })
    await expect.poll(() => proxy.counts, patience).toEqual([0, 3])
    const newer = { ...route(proxy, { spares: 1 }), generation: 2 }
    await dialAndEnd(newer)
    await expect.poll(() => proxy.counts, patience).toEqual([1, 5])
    await dialAndEnd(way)
    await turns()
    await expect.poll(() => proxy.counts, patience).toEqual([1, 6])
  })

  it('and none follow by the old route before there is a newer one', async () => {
    const proxy = await proxyOf(works)
    const way = route(proxy, { spares: 2 })
    await dialAndEnd(way)
    await expect.poll(() => proxy.counts, patience).toEqual([2, 3])
    overlayMoved({ overlay })
    await expect.poll(() => proxy.counts, patience).toEqual([0, 3])
    await dialAndEnd(way)
    await turns()
    await expect.poll(() => proxy.counts, patience).toEqual([0, 4])
  })

  it('and none follow by a dial that began before', async () => {
    const proxy = await proxyOf(works)
    const way = route(proxy, { spares: 2 })
    const config = proxiesOf(way)
    const [first] = config.proxies
    if (first === undefined) throw new Error('the route has no proxy')
    const spares = new Spares(way, config)
    spares[Symbol.dispose]()
    spares.refill(first)
    await turns()
    // A connection of the test's own arrives after those that came before.
    await dialAndEnd(route(proxy))
    expect(proxy.came).toBe(1)
    expect(spares.take(first)).toBeUndefined()
  })

  it('in the middle of a dial that uses one, which continues', async () => {
    const held = Promise.withResolvers<void>()
    const proxy = await proxyOf(async (socket, read) => {
      const number = proxy.came
      await read(3)
      socket.write(greeting)
      await readRequest(read)
      if (number === 2) await held.promise
      socket.write(granted.ipv4)
    })
    const way = route(proxy, { spares: 1 })
    await dialAndEnd(way)
    await expect.poll(() => proxy.counts, patience).toEqual([1, 2])
    await expect.poll(() => proxy.said(1), patience).toEqual(greetingOf(0))
    await turns()
    const dialling = dial(way, target, patience)
    overlayMoved({ overlay })
    held.resolve()
    const socket = await dialling
    await turns()
    await expect.poll(() => proxy.counts, patience).toEqual([1, 2])
    socket.destroy()
  })

  it('with the kernel’s overlay, when its entry is replaced or it is disposed of', async () => {
    const proxy = await proxyOf(works)
    const registry = new Registry({ kinds: networkKinds })
    registry.add({ id: overlay, kind: 'network.socks5', fields: { host: '127.0.0.1', port: proxy.port, spares: 2 } })
    const overlays = new OverlayTable(registry)
    const { route: way } = await overlays.add(overlay)
    await overlays.status(overlay)
    await dialAndEnd(way)
    await expect.poll(() => proxy.counts[0], patience).toBe(2)
    const { route: next } = await overlays.replace(overlay)
    await expect.poll(() => proxy.counts[0], patience).toBe(0)
    await overlays.status(overlay)
    await dialAndEnd(next)
    await expect.poll(() => proxy.counts[0], patience).toBe(2)
    await overlays[Symbol.asyncDispose]()
    await expect.poll(() => proxy.counts[0], patience).toBe(0)
  })

  it('with their thread, which they do not keep alive', async () => {
    const proxy = await proxyOf(works)
    const worker = new Worker(new URL('testing/dialling-worker.ts', import.meta.url), { workerData: proxy.port })
    await expect.poll(() => proxy.counts[0], patience).toBe(4)
    worker.postMessage('end')
    expect(await once(worker, 'exit')).toEqual([0])
    await expect.poll(() => proxy.counts[0], patience).toBe(0)
  })
})

it.each([['many'], [-1], [65], [1.5]])('an entry with spares: %j is refused', (spares) => {
  const registry = new Registry({ kinds: networkKinds })
  registry.add({ id: overlay, kind: 'network.socks5', fields: { host: 'h', port: 1, spares } })
  expect(registry.check()).toEqual([expect.objectContaining({ entry: overlay, path: 'spares' })])
})

function greetingOf(method: number): Buffer {
  return Buffer.from([5, 1, method])
}
