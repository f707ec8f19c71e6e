/** Connections to the proxy that were kept ready, and that it ended or ignores. */
import { once } from 'node:events'
import * as fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { dial } from '../../dial/dial.ts'
import { overlayHealth } from '../../dial/overlay-health.ts'
import type { Route } from '../../overlay/route.ts'
import { defaultTimeouts } from './route.ts'
import { closeSpares } from './spares.ts'
import { CountedProxy } from './testing/counted-proxy.ts'
import { granted, greeting, route, target } from './testing/sample.ts'
import { answering, readRequest, type Script } from './testing/scripted-proxy.ts'

const patience = { timeout: 120_000 }
const works = answering({ greeting, reply: granted.ipv4 })
const { overlay } = route({ port: 1 })

async function proxyOf(script: Script): Promise<CountedProxy> {
  const proxy = await CountedProxy.start(script)
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

describe('a spare that is lost', () => {
  it('is no failure of a dial, nor of the proxy', async () => {
    let isOpen = true
    const proxy = await proxyOf(async (socket, read) => {
      if (isOpen) await works(socket, read)
      else socket.destroy()
    })
    const way = route(proxy, { spares: 3 })
    await dialAndEnd(way)
    await expect.poll(() => proxy.counts, patience).toEqual([3, 4])
    const before = overlayHealth().find((health) => health.overlay === overlay)?.failed
    isOpen = false
    proxy.closeAll()
    await expect.poll(() => proxy.counts[0], patience).toBe(0)
    isOpen = true
    await dialAndEnd(way)
    await expect.poll(() => proxy.counts[0], patience).toBe(3)
    expect(overlayHealth().find((health) => health.overlay === overlay)).toMatchObject({ state: 'up', failed: before })
  })

  it('is replaced by a connection of the dial’s own, whenever the proxy ends it', { timeout: 120_000 }, async () => {
    const moment = fc.constantFrom('connection', 'greeting', 'later', 'request', 'never')
    const moments = fc.array(moment, { minLength: 1, maxLength: 6 })
    const pauses = fc.array(fc.nat(4), { minLength: 5, maxLength: 5 })
    const property = fc.asyncProperty(
      moments,
      pauses,
      fc.boolean(),
      fc.boolean(),
      async (ends, pausesOfDials, optimistic, byReset) => {
        let isDialling = true
        await using proxy = await CountedProxy.start(async (socket, read) => {
          const at = isDialling ? 'never' : ends[proxy.came % ends.length]
          const end = () => (byReset ? socket.resetAndDestroy() : socket.destroy())
          if (at === 'connection') {
            end()
            return
          }
          await read(3)
          if (at === 'greeting') {
            end()
            return
          }
          socket.write(greeting)
          if (at === 'later') {
            setImmediate(end)
            return
          }
          await readRequest(read)
          if (at === 'request') {
            end()
            return
          }
          socket.write(granted.ipv4)
        })
        const way = route(proxy, { spares: 2, optimistic })
        for (const pause of pausesOfDials) {
          isDialling = true
          const socket = await dial(way, target, patience)
          isDialling = false
          socket.destroy()
          for (let n = 0; n < pause; n += 1) await turns()
        }
        closeSpares({ overlay })
      },
    )
    await fc.assert(property, { numRuns: 100 })
  })

  it('whose greeting comes late or is refused is not used', async () => {
    let late: (() => void) | undefined
    const proxy = await proxyOf(async (socket, read) => {
      const number = proxy.came
      await read(3)
      if (number === 2) await new Promise<void>((resolve) => (late = resolve))
      socket.write(number === 3 ? Buffer.from([5, 255]) : greeting)
      await readRequest(read)
      socket.write(granted.ipv4)
    })
    const way = route(proxy, { spares: 2 })
    await dialAndEnd(way)
    // The second is silent, the third is refused.
    await expect.poll(() => proxy.counts, patience).toEqual([1, 3])
    await dialAndEnd(way)
    expect(proxy.came).toBeGreaterThanOrEqual(4)
    late?.()
    await turns()
    await dialAndEnd(way)
  })

  it('that is silent after the request is given up for a connection of the dial’s own', async () => {
    const proxy = await proxyOf(async (socket, read) => {
      const number = proxy.came
      await read(3)
      socket.write(greeting)
      await readRequest(read)
      if (number !== 2) socket.write(granted.ipv4)
    })
    const way = route(proxy, { spares: 1, timeouts: { ...defaultTimeouts, firstByte: 100 } })
    await dialAndEnd(way)
    await expect.poll(() => proxy.counts, patience).toEqual([1, 2])
    await expect.poll(() => proxy.said(1), patience).toEqual(greetingOf(0))
    await turns()
    await dialAndEnd(way)
    expect(proxy.said(1).length).toBeGreaterThan(3)
    expect(overlayHealth().find((health) => health.overlay === overlay)).toMatchObject({ state: 'up' })
  })

  it.each([
    ['silent', 'the connection of the dial’s own', 2],
    ['slow', 'the spare', 1],
  ])(
    'that is %s is raced by a connection of the dial’s own: %s wins, and the other ends',
    async (how, _what, winner) => {
      const raced = Promise.withResolvers<void>()
      const proxy = await proxyOf(async (socket, read) => {
        const number = proxy.came - 1
        await read(3)
        await readRequest(read)
        if (number === 2) raced.resolve()
        if (number === 1 && how === 'slow') await raced.promise
        if (number === 0 || number === winner || number > 2) socket.write(Buffer.concat([greeting, granted.ipv4]))
      })
      const way = route(proxy, { spares: 1, optimistic: true })
      await dialAndEnd(way)
      await expect.poll(() => proxy.counts, patience).toEqual([1, 2])
      const socket = await dial(way, target, patience)
      expect(socket.localPort).toBe(proxy.portOf(winner))
      // The connection itself, and a spare for the next dial.
      await expect.poll(() => proxy.counts, patience).toEqual([2, 4])
      socket.destroy()
    },
  )
})

function greetingOf(method: number): Buffer {
  return Buffer.from([5, 1, method])
}
