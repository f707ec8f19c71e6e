/** Which overlay each edge uses, or why it uses none, as the proxies and the server see it. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Pid, processes, security } from 'troupe'
import { type Application, boot } from 'troupe/app'
import { type Listening, startOrigin, startProxy } from '../fixtures/selection/proxy.ts'
import type { Choice } from '../fixtures/selection/src/programs.ts'

const root = join(import.meta.dirname, '../fixtures/selection')
const host = 'app:threads'
const addresses = { live: '127.0.0.2', other: '127.0.0.3', base: '127.0.0.4', clear: '127.0.0.1' }

type Edge = Choice['edge']
type Way = keyof typeof addresses
type Outcome = Way | 'Unavailable' | 'NotFound' | `denied: ${string}`

const edges: readonly Edge[] = [
  'function',
  'inline',
  'process',
  'shared',
  'request',
  'batch',
  'message',
  'call',
  'nested',
]

/** How the overlay is chosen. `outside` is the choice of the process above the edge. */
interface How {
  readonly network?: string | null
  readonly pinned?: boolean
  readonly outside?: string | null
  readonly way: Outcome | 'default'
  /** The choice at the edge, if there is one. */
  readonly asks?: string
}

const hows: Readonly<Record<string, How>> = {
  explicit: { network: 'app:other', way: 'other', asks: 'app:other' },
  'explicit, above the inherited one': { network: 'app:other', outside: 'app:live', way: 'other', asks: 'app:other' },
  'explicit, above a pin': { network: 'app:other', pinned: true, way: 'other', asks: 'app:other' },
  'explicit, dead': { network: 'app:dead', way: 'Unavailable', asks: 'app:dead' },
  pin: { pinned: true, way: 'live' },
  'pin, above the inherited one': { pinned: true, outside: 'app:other', way: 'live' },
  inherited: { outside: 'app:live', way: 'live' },
  'inherited, dead': { outside: 'app:dead', way: 'Unavailable' },
  'inherited, cleared': { outside: null, way: 'clear' },
  default: { way: 'default' },
  'nothing chosen by an empty string': { network: '', outside: 'app:live', way: 'live' },
  cleared: { network: null, outside: 'app:live', way: 'clear', asks: 'network:direct' },
  unknown: { network: 'app:gone', outside: 'app:live', way: 'NotFound', asks: 'app:gone' },
}

const scopes = {
  'no scope': undefined,
  allowed: ['app:all'],
  denied: ['app:all', 'app:no_select'],
} as const

let origin: Listening
let proxies: Readonly<Record<'live' | 'other' | 'base', Listening>>
let app: Application

const url = () => `http://127.0.0.1:${origin.port}/`

async function start(set: readonly string[]): Promise<void> {
  choosers.clear()
  const overrides = Object.entries(proxies).map(([name, { port }]) => `app:${name}:port=${port}`)
  // The test's program stays in the clear network: what it starts still follows the default.
  app = await boot({ root, set, overrides, network: null, onLog: () => undefined })
}

beforeAll(async () => {
  origin = await startOrigin()
  const [live, other, base] = await Promise.all([
    startProxy(addresses.live),
    startProxy(addresses.other),
    startProxy(addresses.base),
  ])
  proxies = { live, other, base }
})

afterAll(async () => {
  await Promise.all([origin, ...Object.values(proxies)].map(async (each) => each[Symbol.asyncDispose]()))
})

/** The path that was taken, by the address that the server saw. */
function wayOf(answer: unknown): unknown {
  return Object.entries(addresses).find(([, address]) => address === answer)?.[0] ?? answer
}

/** The code that runs under the edges. */
const started = () =>
  Array.from(app.kernel.processes.all(), ({ entry }) => entry).filter((entry) =>
    /look|inline|process|sender|nest|middle/.test(entry ?? ''),
  )

/** The number of requests through each, so far. */
const seen = () => ({
  live: proxies.live.count(),
  other: proxies.other.count(),
  base: proxies.base.count(),
  all: origin.count(),
})

/** The processes that choose, by their surrounding overlay. */
const choosers = new Map<string, Promise<Pid>>()

/** A process with this overlay from outside, or pinned, and this scope. */
async function chooser(
  pinned: boolean,
  outside: string | null | undefined,
  scope: readonly string[] | undefined,
): Promise<Pid> {
  const key = [pinned, outside, scope].map(String).join(' ')
  const known = choosers.get(key)
  if (known !== undefined) return known
  const placed = processes.withOptions(outside === undefined || pinned ? {} : { network: outside })
  const scoped =
    scope === undefined ? placed : placed.withActor(security.newActor('ann')).withScope(security.newScope(scope))
  const started = scoped.spawn(pinned ? 'app:choose_pinned' : 'app:choose', host)
  choosers.set(key, started)
  return started
}

async function run(edge: Edge, how: How, scope: readonly string[] | undefined, receiver: string): Promise<unknown> {
  const { network, pinned = false, outside } = how
  // A request has no entry under it: the pin is that of the process that makes it.
  const isRequest = edge === 'request' || edge === 'batch'
  const choice: Choice = { edge, ...(network !== undefined && { network }), pinned, url: url(), receiver }
  return wayOf(await processes.call(await chooser(isRequest && pinned, outside, scope), 'choose', choice))
}

function expected(edge: Edge, { way, asks }: How, scope: keyof typeof scopes, defaultWay: Way): Outcome {
  if (scope === 'denied' && asks !== undefined) return `denied: network.select of ${asks}`
  // A message is handled in the network of its receiver, wherever it comes from.
  const isMessage = edge === 'message' || edge === 'call'
  return way === 'default' || (isMessage && way !== 'NotFound') ? defaultWay : way
}

describe.each<[string, readonly string[], Way]>([
  ['with a default', ['network_service.default_network=app:base'], 'base'],
  ['without a default', [], 'clear'],
])('%s', (_, settings, defaultWay) => {
  let receiver = ''

  beforeAll(async () => {
    await start(settings)
    receiver = await app.run(async () => processes.spawn('app:receiver', host))
  })

  afterAll(async () => {
    await app.stop()
  })

  for (const edge of edges) {
    it(`${edge}: uses the nearest choice, or fails`, async () => {
      for (const [name, how] of Object.entries(hows)) {
        for (const [scope, policies] of Object.entries(scopes)) {
          if (!isScope(scope)) continue
          const way = expected(edge, how, scope, defaultWay)
          const before = seen()
          expect([name, scope, await app.run(async () => run(edge, how, policies, receiver))]).toEqual([
            name,
            scope,
            way,
          ])
          const after = seen()
          const went = way in addresses ? 1 : 0
          // Connections are kept: a proxy sees a request or its connection from before, and no other proxy sees any.
          expect(after.all - before.all).toBe(went)
          for (const proxy of ['live', 'other', 'base'] as const)
            if (proxy !== way) expect([proxy, after[proxy]]).toEqual([proxy, before[proxy]])
          // No process was started: it would still run beside the choosing ones and the receiver.
          if (way === 'NotFound') expect(started()).toEqual([])
        }
      }
    })
  }

  it('a pinned process keeps its overlay, whatever messages it gets', async () => {
    const pinned = await app.run(async () => processes.spawn('app:receiver_pinned', host))
    for (const [name, how] of Object.entries(hows)) {
      if (how.way === 'NotFound' || how.asks === 'app:dead') continue
      expect([name, await app.run(async () => run('call', how, undefined, pinned))]).toEqual([name, 'live'])
    }
  })
})

describe('in strict mode', () => {
  beforeAll(async () => start(['security.strict_mode=true']))
  afterAll(async () => {
    await app.stop()
  })

  it.each<[Edge, string]>([
    ['function', 'funcs.call of app:look'],
    ['inline', 'funcs.call of app:inline'],
    ['process', 'process.exec of app:process'],
    ['shared', 'process.exec of app:process'],
    ['request', 'http_client.request of URL'],
    ['batch', 'http_client.request of URL'],
    ['message', 'process.exec of app:sender'],
    ['call', 'process.exec of app:sender'],
    ['nested', 'funcs.call of app:nest'],
  ])('%s: code without actor and scope is denied everything: %s', async (edge, denial) => {
    const before = seen()
    for (const how of [hows['explicit'], hows['inherited'], hows['default'], hows['cleared']]) {
      const answer = how && (await app.run(async () => run(edge, how, undefined, 'unknown')))
      expect(answer).toBe(`denied: ${denial.replace('URL', url())}`)
    }
    expect(seen()).toEqual(before)
  })

  it('code with both may do what its policies allow', async () => {
    const how = hows['explicit'] ?? expect.unreachable()
    expect(await app.run(async () => run('request', how, ['app:all'], 'unknown'))).toBe('other')
    expect(await app.run(async () => run('request', how, ['app:all', 'app:no_select'], 'unknown'))).toBe(
      'denied: network.select of app:other',
    )
  })
})

function isScope(name: string): name is keyof typeof scopes {
  return name in scopes
}
