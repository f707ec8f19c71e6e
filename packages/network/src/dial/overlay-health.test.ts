import { entryId } from '@troupe/core'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { Socket } from 'node:net'
import { expect, it } from 'vitest'
import { dial } from './dial.ts'
import { failure, granted, greeting, route, target } from '../drivers/socks5/testing/sample.ts'
import { answering, type Script, ScriptedProxy } from '../drivers/socks5/testing/scripted-proxy.ts'
import type { DialEvent } from './health-report.ts'
import { connectionMoved, overlayHealth } from './overlay-health.ts'

const works = answering({ greeting, reply: granted.ipv4 })
const named = (name: string, proxies: readonly { port: number }[]) => ({
  ...route({ port: 1 }),
  overlay: entryId(`app:${name}`),
  config: { proxies: proxies.map(({ port }) => ({ host: '127.0.0.1', port })) },
})
const health = (name: string) => overlayHealth().find(({ overlay }) => overlay === `app:${name}`)

it('reports connections and bytes, before and after they close', async () => {
  await using proxy = await ScriptedProxy.start(async (socket, read) => {
    await works(socket, read)
    socket.end('hello')
  })
  const way = named('counted', [proxy])
  const socket = await dial(way, target)
  expect(health('counted')).toMatchObject({ generation: 1, state: 'up', opened: 1, failed: 0, dialling: 0, open: 1 })
  socket.resume().end('hi')
  await once(socket, 'close')
  const handshake = { sent: 3 + 7 + target.host.length, received: 12 }
  expect(health('counted')).toMatchObject({
    open: 0,
    bytesSent: handshake.sent + 2,
    bytesReceived: handshake.received + 5,
  })
  const { latency } = health('counted') ?? {}
  expect(latency).toMatchObject({ count: 1 })
  expect(latency?.max).toBeGreaterThan(0)
  expect(JSON.parse(JSON.stringify(health('counted')))).toEqual(structuredClone(health('counted')))
})

it('distinguishes a target that refuses from a broken overlay, and holds no secret', async () => {
  let script: Script = answering({ greeting, reply: Buffer.from([5, 5, 0, 1, 0, 0, 0, 0, 0, 0]) })
  await using proxy = await ScriptedProxy.start((socket, read) => script(socket, read))
  const way = named('judged', [proxy])
  await failure(dial(way, target))
  expect(health('judged')).toMatchObject({
    state: 'up',
    failed: 1,
    lastError: { kind: 'Unavailable', at: expect.any(Number) as number },
  })
  script = async (socket) => void socket.end()
  const error = await failure(dial(way, target))
  expect(health('judged')).toMatchObject({ state: 'down', failed: 2, lastError: { message: error.message } })
  expect(JSON.stringify(health('judged'))).not.toContain(String(proxy.port))
  script = works
  ;(await dial(way, target)).destroy()
  expect(health('judged')).toMatchObject({ state: 'up', opened: 1 })
})

it('is degraded while one of several proxies is down', async () => {
  await using bad = await ScriptedProxy.start(async (socket) => void socket.end())
  await using good = await ScriptedProxy.start(works)
  ;(await dial(named('several', [bad, good]), target)).destroy()
  expect(health('several')).toMatchObject({
    state: 'degraded',
    entrances: [
      { state: 'down', failures: 1 },
      { state: 'up', failures: 0 },
    ],
  })
})

it('follows a connection whose handle was moved, and drops many closed ones', async () => {
  await using proxy = await ScriptedProxy.start(works)
  const way = named('moved', [proxy])
  const [socket, heir] = [await dial(way, target), new Socket()]
  connectionMoved(socket, heir)
  socket.destroy()
  expect(health('moved')).toMatchObject({ open: 1 })
  heir.destroy()
  for (let n = 0; n < 100; n++) (await dial(way, target)).destroy()
  expect(health('moved')).toMatchObject({ open: 0, opened: 101, bytesReceived: 100 * 12 })
})

it('publishes each dial', async () => {
  const events: unknown[] = []
  const take = (event: unknown) => events.push(event)
  subscribe('troupe:overlay:dial', take)
  await using proxy = await ScriptedProxy.start(works)
  const way = named('published', [proxy])
  ;(await dial(way, target)).destroy()
  const error = await failure(dial(way, target, { signal: AbortSignal.abort() }))
  unsubscribe('troupe:overlay:dial', take)
  const event: Omit<DialEvent, 'milliseconds'> = { overlay: way.overlay, generation: 1, target }
  expect(events).toEqual([
    { ...event, milliseconds: expect.any(Number) as number },
    { ...event, milliseconds: expect.any(Number) as number, error },
  ])
})
