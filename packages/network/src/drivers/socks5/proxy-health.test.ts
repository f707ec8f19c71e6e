import { entryId } from '@troupe/core'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { dial } from '../../dial/dial.ts'
import { ProxyHealth } from './proxy-health.ts'
import type { Socks5Route } from './route.ts'
import { askLogin, failure, granted, greeting, route, target } from './testing/sample.ts'
import { answering, type Script, ScriptedProxy } from './testing/scripted-proxy.ts'

const overlay = entryId('app:proxy')
const works = answering({ greeting, reply: granted.ipv4 })

describe('the order of proxies', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['performance'] }))
  afterEach(() => vi.useRealTimers())

  const list = ['a', 'b', 'c'].map((host) => ({ host, port: 1 }))
  const [a, b, c] = list as [(typeof list)[0], (typeof list)[0], (typeof list)[0]]
  const config = (policy: NonNullable<Socks5Route['policy']>) => ({ proxies: list, policy })

  it('is that of the entry, rotated, or the same for a key', () => {
    const proxies = new ProxyHealth(overlay)
    expect([proxies.order(config('first'), 'x'), proxies.order(config('first'), 'y')]).toEqual([list, list])
    const turns = [1, 2, 3, 4].map(() =>
      proxies
        .order(config('round_robin'), 'x')
        .map(({ host }) => host)
        .join(''),
    )
    expect(turns).toEqual(['abc', 'bca', 'cab', 'abc'])
    const firsts = Array.from({ length: 300 }, (_, key) => proxies.order(config('sticky'), `actor ${key}`)[0]?.host)
    expect(Array.from({ length: 300 }, (_, key) => proxies.order(config('sticky'), `actor ${key}`)[0]?.host)).toEqual(
      firsts,
    )
    for (const host of ['a', 'b', 'c']) expect(firsts.filter((first) => first === host).length).toBeGreaterThan(60)
  })

  it('moves a key only when its own proxy is down', () => {
    const proxies = new ProxyHealth(overlay)
    const keys = Array.from({ length: 100 }, (_, key) => `actor ${key}`)
    const before = keys.map((key) => proxies.order(config('sticky'), key)[0])
    proxies.down(b, 1)
    for (const [index, key] of keys.entries()) {
      const now = proxies.order(config('sticky'), key)[0]
      if (before[index] === b) expect(now).not.toBe(b)
      else expect(now).toBe(before[index])
    }
  })

  it('puts down proxies last, the one whose check is due first in front', () => {
    const proxies = new ProxyHealth(overlay)
    proxies.down(a, 0)
    vi.advanceTimersByTime(10)
    proxies.down(b, 1)
    expect(proxies.order(config('first'), 'x')).toEqual([c, a, b])
    proxies.up(a, 0, true)
    expect(proxies.order(config('first'), 'x')).toEqual([a, c, b])
  })

  it('has a check due after a second, then after two, up to a minute', () => {
    const proxies = new ProxyHealth(overlay)
    const waits: number[] = []
    for (let check = 0; check < 9; check++) {
      proxies.down(a, 0)
      // Repetitions of the same failure count once.
      proxies.down(a, 0)
      let waited = 0
      while (proxies.due(config('first')).length === 0) {
        vi.advanceTimersByTime(500)
        waited += 500
      }
      expect(proxies.due(config('first'))).toEqual([])
      waits.push(waited / 1000)
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60])
    expect(proxies.view(config('first'))).toMatchObject([
      { state: 'down', failures: 9 },
      { state: 'up' },
      { state: 'up' },
    ])
  })
})

describe('several proxies', () => {
  let last = 0
  const several = (ports: readonly number[], rest: Partial<Socks5Route> = {}) => ({
    ...route({ port: 1 }),
    // Health is stored by overlay and port, and ports are reused.
    overlay: entryId(`app:several_${(last += 1)}`),
    config: { proxies: ports.map((port) => ({ host: '127.0.0.1', port })), ...rest },
  })
  const silent: Script = async () => {}

  it.each<[string, Script]>([
    ['closes at once', async (socket) => void socket.end()],
    ['speaks HTTP', async (socket, read) => void (await read(3), socket.end('HTTP/1.0 501 \r\n\r\n'))],
    ['requires a login', answering({ greeting: askLogin, reply: granted.ipv4 })],
    ['keeps silent', silent],
    ['closes over the request', async (socket, read) => void (await read(3), socket.end(greeting))],
  ])('replace one that %s', async (_name, script) => {
    await using bad = await ScriptedProxy.start(script)
    await using good = await ScriptedProxy.start(works)
    const timeouts = { connect: 5000, firstByte: 500, handshake: 5000 }
    const socket = await dial(several([bad.port, good.port], { timeouts }), target)
    expect(socket.remotePort).toBe(good.port)
    socket.destroy()
  })

  it('replace one that greets and then hangs', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    onTestFinished(() => void vi.useRealTimers())
    let asked = 0
    await using hung = await ScriptedProxy.start(async (socket, read) => {
      await read(3)
      socket.write(greeting)
      await read(10)
      asked += 1
    })
    await using second = await ScriptedProxy.start(works)
    const way = several([hung.port, second.port], { timeouts: { connect: 10_000, firstByte: 10_000, handshake: 50 } })
    for (let dials = 0; dials < 3; dials += 1) {
      const socket = await dial(way, target)
      expect(socket.remotePort).toBe(second.port)
      socket.destroy()
    }
    expect(asked).toBe(1)
  })

  it('replace one that hangs longer than the caller waits', async () => {
    await using hung = await ScriptedProxy.start(async (socket) => void socket.write(greeting))
    await using second = await ScriptedProxy.start(works)
    const way = several([hung.port, second.port], { timeouts: { connect: 10_000, firstByte: 10_000, handshake: 2000 } })
    const socket = await dial(way, target, { timeout: 2000 })
    expect(socket.remotePort).toBe(second.port)
    socket.destroy()
  })

  it('are down for longer if they greet and hang again', () => {
    const proxies = new ProxyHealth(overlay)
    const [first] = [{ host: 'hung', port: 1 }]
    const config = { proxies: [first, { host: 'other', port: 1 }] }
    proxies.down(first, 0)
    proxies.up(first, 0, false)
    proxies.down(first, 0)
    expect(proxies.view(config)[0]).toMatchObject({ state: 'down', failures: 2 })
    proxies.up(first, 0, true)
    proxies.down(first, 0)
    expect(proxies.view(config)[0]).toMatchObject({ failures: 1 })
  })

  it('do not retry failures of the target, or of the caller', async () => {
    await using first = await ScriptedProxy.start(
      answering({ greeting, reply: Buffer.from([5, 5, 0, 1, 0, 0, 0, 0, 0, 0]) }),
    )
    await using second = await ScriptedProxy.start(works)
    expect(await failure(dial(several([first.port, second.port]), target))).toMatchObject({ details: { replyCode: 5 } })
    await using mute = await ScriptedProxy.start(silent)
    expect(await failure(dial(several([mute.port, second.port]), target, { timeout: 30 }))).toMatchObject({
      kind: 'Timeout',
    })
    expect(second.heard).toEqual([])
  })

  it('fail with the last error when none works', async () => {
    const gone = await ScriptedProxy.start(silent)
    await gone[Symbol.asyncDispose]()
    await using rude = await ScriptedProxy.start(async (socket) => void socket.end())
    const error = await failure(dial(several([gone.port, rude.port]), target))
    expect(error).toMatchObject({ kind: 'Unavailable', retryable: true, details: { stage: 'greeting', code: 'FIN' } })
  })

  it('use one again that works again, after a check in the background of another dial', async () => {
    // Time is set by hand, from the first dial on: on a slow machine the check would run too early.
    vi.useFakeTimers({ toFake: ['performance'] })
    const changes: string[] = []
    const { promise: back, resolve } = Promise.withResolvers<void>()
    const take = (event: unknown) => {
      const {
        overlay: of,
        proxy,
        state,
      } = event as { readonly overlay: string; readonly proxy: number; readonly state: string }
      if (of !== way.overlay) return
      changes.push(`${proxy} ${state}`)
      if (state === 'up') resolve()
    }
    subscribe('troupe:overlay:proxy', take)
    onTestFinished(() => {
      unsubscribe('troupe:overlay:proxy', take)
      vi.useRealTimers()
    })
    let broken = true
    await using first = await ScriptedProxy.start(async (socket, read) =>
      broken ? void socket.end() : works(socket, read),
    )
    await using second = await ScriptedProxy.start(works)
    const way = several([first.port, second.port])
    const portOf = async () => {
      const socket = await dial(way, target)
      const { remotePort } = socket
      socket.destroy()
      return remotePort
    }
    expect(await portOf()).toBe(second.port)
    broken = false
    expect(await portOf()).toBe(second.port)
    vi.advanceTimersByTime(1001)
    expect(await portOf()).toBe(second.port)
    await back
    expect(changes).toEqual(['0 down', '0 up'])
    expect(await portOf()).toBe(first.port)
  })
})

describe('a proxy behind another overlay', () => {
  it('is reached through it, by its name', async () => {
    await using inner = await ScriptedProxy.start(async (socket, read) => {
      await works(socket, read)
      await works(socket, read)
    })
    const via = { ...route(inner), overlay: entryId('app:inner') }
    const chain = { ...route(inner), config: { proxies: [{ host: 'tor.internal', port: 9050 }], via } }
    const socket = await dial(chain, target)
    const heard = inner.heard.map(String)
    expect(heard.indexOf('tor.internal')).toBeGreaterThan(0)
    expect(heard.indexOf(target.host)).toBeGreaterThan(heard.indexOf('tor.internal'))
    socket.destroy()
  })

  it('is named in an error, without its address', async () => {
    await using inner = await ScriptedProxy.start(
      answering({ greeting, reply: Buffer.from([5, 5, 0, 1, 0, 0, 0, 0, 0, 0]) }),
    )
    const via = { ...route(inner), overlay: entryId('app:inner') }
    const chain = { ...route(inner), config: { proxies: [{ host: 'tor.internal', port: 9050 }], via } }
    const error = await failure(dial(chain, target))
    expect(error).toMatchObject({
      kind: 'Unavailable',
      details: { via: 'app:inner', stage: 'connect', hop: { replyCode: 5 } },
    })
    expect(error.message).toContain(
      'overlay app:inner, which leads to the proxy, did not reach it: its proxy answered 5, connection refused',
    )
    expect(`${error.message} ${JSON.stringify(error)}`).not.toContain('tor.internal')
  })
})
