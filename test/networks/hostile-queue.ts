/**
 * An application of programs with a hostile queue, in four networks: the clear one, two whose entries are swapped, and
 * one that separates actors. The items that arrive at the server are compared with the addresses that each may come
 * from.
 */
import { createServer } from 'node:http'
import net from 'node:net'
import { join } from 'node:path'
import { funcs, processes, registry, security } from 'troupe'
import { startApp, type TestApp } from 'troupe/test'
import { type Item, Ledger } from './ledger.ts'
import { type Proxy, startProxy } from './proxy.ts'
import { listen } from './servers/listen.ts'

export const networks = ['clear', 'left', 'right', 'apart'] as const
export const actors = ['alice', 'bob'] as const
export const places = ['one', 'two'] as const
/** Networks that have processes which take messages. */
export const receivers = ['clear', 'left', 'right'] as const
export const edges = [
  'function',
  'pinned',
  'spawn',
  'shared',
  'inline',
  'nested',
  'request',
  'message',
  'strict message',
] as const

export type Network = (typeof networks)[number]

/** Items that one caller sends. */
export interface Sending {
  readonly kind: 'send'
  readonly edge: (typeof edges)[number]
  readonly actor: (typeof actors)[number]
  readonly network: Network
  /** The network of the nested work: the nested call, the request, the receiver. */
  readonly other: (typeof receivers)[number]
  readonly count: number
}

/** One step of a random program. */
export type Step =
  | Sending
  /** The overlay's entry leads to its other proxy from now on. */
  | { readonly kind: 'swap'; readonly overlay: 'left' | 'right'; readonly to: (typeof places)[number] }
  /** All connections of that proxy break. */
  | { readonly kind: 'cut'; readonly overlay: 'left' | 'right'; readonly to: (typeof places)[number] }

/** The addresses that connections of a network come from: both of its proxies, if its entry is swapped. */
const exits: Readonly<Record<Network, readonly string[]>> = {
  clear: ['127.0.0.1'],
  left: ['127.0.0.2', '127.0.0.3'],
  right: ['127.0.0.4', '127.0.0.5'],
  apart: ['127.0.0.6'],
}

/** An item that was sent, and the result that its sender got. */
interface Sent {
  readonly item: Item
  readonly network: Network
  readonly actor: string
  readonly outcome: string
}

const option = (network: Network) => ({ network: network === 'clear' ? null : `app:${network}` })
const socks5 = (overlay: string, port: number) => ({
  id: `app:${overlay}`,
  kind: 'network.socks5',
  host: '127.0.0.1',
  port,
})
const pin = (network: Network) => ({ meta: { options: option(network) } })

export class HostileQueue implements AsyncDisposable {
  readonly app: TestApp
  readonly #ledger: Ledger
  readonly #proxies: Readonly<Record<string, Proxy>>
  readonly #stack: AsyncDisposableStack

  private constructor(
    app: TestApp,
    ledger: Ledger,
    proxies: Readonly<Record<string, Proxy>>,
    stack: AsyncDisposableStack,
  ) {
    this.app = app
    this.#ledger = ledger
    this.#proxies = proxies
    this.#stack = stack
  }

  static async start(): Promise<HostileQueue> {
    await using stack = new AsyncDisposableStack()
    const ledger = new Ledger()
    const peer = ({ remoteAddress, remotePort }: net.Socket) => `${remoteAddress}:${remotePort}`
    const lines = net.createServer((socket) => {
      const from = peer(socket)
      socket.on('data', (data: Buffer) => {
        ledger.read(data, from)
        socket.write(data)
      })
    })
    const web = createServer((request, response) => {
      ledger.read(request.url ?? '', peer(request.socket))
      response.end('here')
    })
    process.env['QUEUE_SERVERS'] = JSON.stringify({ port: await listen(lines, stack), http: await listen(web, stack) })
    const names = ['left one', 'left two', 'right one', 'right two', 'apart']
    const proxies = Object.fromEntries(
      await Promise.all(names.map(async (name, at) => [name, await startProxy(`127.0.0.${2 + at}`, stack)] as const)),
    )
    const app = stack.use(
      await startApp({
        root: join(import.meta.dirname, 'programs'),
        set: ['network_service.drain_timeout=500ms'],
        entries: entriesOf((name) => proxies[name]?.port ?? 0),
      }),
    )
    return new HostileQueue(app, ledger, proxies, stack.move())
  }

  /**
   * Runs all steps at once, and compares. @returns what arrived by a wrong way, or did not arrive although its sender
   * got a success
   */
  async run(steps: readonly Step[]): Promise<readonly unknown[]> {
    await this.#place('left', 'one')
    await this.#place('right', 'one')
    const sent = await this.app.app.run(async () => Promise.all(steps.map(async (step) => this.#step(step))))
    return sent.flat().flatMap((one) => this.#faults(one))
  }

  async #step(step: Step): Promise<readonly Sent[]> {
    if (step.kind === 'send') return this.#send(step)
    if (step.kind === 'cut') this.#proxies[`${step.overlay} ${step.to}`]?.cut()
    else await this.#place(step.overlay, step.to)
    return []
  }

  async #send({ edge, actor, network, other, count }: Sending): Promise<readonly Sent[]> {
    const issue = (of: Network) => Array.from({ length: count }, () => this.#ledger.issue(edge, of))
    const [ofCaller, ofOther] = [issue(network), issue(other)]
    const [own, others] = [ofCaller, ofOther].map((items) => items.map(({ token }) => token))
    const sent = (items: readonly Item[], of: Network, outcome: string) =>
      items.map((item) => ({ item, network: of, actor, outcome }))
    const placed = processes.withOptions(option(network)).withActor(security.newActor(actor))
    const host = network === 'apart' ? 'app:threads' : 'app:shared'
    if (edge === 'function') {
      const call = funcs.withOptions(option(network)).withActor(security.newActor(actor))
      return sent(ofCaller, network, await outcomeOf(call.call('app:push', own)))
    }
    if (edge === 'spawn' || edge === 'shared') {
      return sent(
        ofCaller,
        network,
        await outcomeOf(placed.exec('app:push_program', edge === 'spawn' ? 'app:threads' : host, own)),
      )
    }
    // A pin takes precedence over what the caller inherited.
    if (edge === 'pinned') return sent(ofCaller, 'right', await outcomeOf(placed.exec('app:call_pinned', host, own)))
    if (edge === 'message' || edge === 'strict message') {
      const receiver = `app:${edge === 'message' ? 'any' : 'strict'}_${other}`
      const [, outcome = ''] = await outcomesOf(placed.exec('app:tell', host, receiver, others))
      const isForbidden = edge === 'strict message' && network !== other && network !== 'clear' && outcome === 'sent'
      return sent(ofOther, other, isForbidden ? 'sent, though the receiver takes nothing of that network' : outcome)
    }
    const [first = '', second = ''] = await outcomesOf(
      placed.exec(`app:${edge}_program`, host, own, option(other).network, others),
    )
    return [...sent(ofCaller, network, first), ...sent(ofOther, other, second)]
  }

  #faults({ item, network, actor, outcome }: Sent): readonly unknown[] {
    const arrivals = this.#ledger.of(item.label).filter(({ token }) => token === item.token)
    const strays = arrivals.filter(({ peer }) => !this.#isExit(network, actor, peer))
    const faults = strays.map(({ peer }) => `${item.label} of ${actor} in ${network} came from ${peer}`)
    if (outcome.startsWith('sent, ')) faults.push(`${item.label} was ${outcome}`)
    if (outcome === 'sent' && arrivals.length === 0)
      faults.push(`${item.label} of ${actor} in ${network} did not arrive, without an error`)
    return faults
  }

  /** Whether connections of that network, on behalf of that actor, come from that address. */
  #isExit(network: Network, actor: string, peer: string): boolean {
    const [address = '', port] = peer.split(':')
    if (!exits[network].includes(address)) return false
    if (network !== 'apart') return true
    const passages = this.#proxies['apart']?.passages ?? []
    const login = passages.find((passage) => String(passage.port) === port)?.login
    // The login of an actor: the overlay invents it, and no other actor has it.
    if (login === undefined) return false
    this.#logins.set(login, this.#logins.get(login) ?? actor)
    return this.#logins.get(login) === actor
  }

  readonly #logins = new Map<string, string>()

  async #place(overlay: 'left' | 'right', to: (typeof places)[number]): Promise<void> {
    const port = this.#proxies[`${overlay} ${to}`]?.port ?? 1
    await this.app.app.run(async () => registry.apply([{ op: 'update', entry: socks5(overlay, port) }]))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }
}

function entriesOf(port: (proxy: string) => number) {
  const source = 'file://queue.ts'
  const host = (name: string, settings: object) => ({
    id: `app:${name}`,
    kind: 'process.host',
    host: settings,
    lifecycle: { auto_start: true },
  })
  const program = (id: string, method: string, more: object = {}) => ({
    id: `app:${id}`,
    kind: 'process.ts',
    source,
    method,
    ...more,
  })
  return [
    socks5('left', port('left one')),
    socks5('right', port('right one')),
    { ...socks5('apart', port('apart')), isolate: 'actor' },
    host('threads', { isolation: 'thread', spares: 1 }),
    host('shared', { isolation: 'shared', workers: 1 }),
    { id: 'app:push', kind: 'function.ts', source, method: 'push', pool: { max: 3 } },
    { id: 'app:push_right', kind: 'function.ts', source, method: 'push', pool: { max: 1 }, ...pin('right') },
    { id: 'app:inline', kind: 'function.ts', source, method: 'push', pool: 'inline' },
    program('push_program', 'push'),
    program('call_pinned', 'callPinned'),
    program('inline_program', 'inline'),
    program('nested_program', 'nest'),
    program('request_program', 'request'),
    program('tell', 'tell'),
    ...receivers.flatMap((network) => [
      program(`any_${network}_program`, 'receive', { accepts: 'any', ...(network !== 'clear' && pin(network)) }),
      program(`strict_${network}_program`, 'receive', network === 'clear' ? {} : pin(network)),
      ...['any', 'strict'].map((name) => ({
        id: `app:${name}_${network}`,
        kind: 'process.service',
        process: `app:${name}_${network}_program`,
        host: 'app:threads',
        lifecycle: { auto_start: true },
      })),
    ]),
  ]
}

async function outcomeOf(work: Promise<unknown>): Promise<string> {
  return work.then(() => 'sent', String)
}

/** The parts of composed work. */
async function outcomesOf(work: Promise<unknown>): Promise<readonly string[]> {
  return work.then(
    (parts) => (Array.isArray(parts) ? parts.map(String) : []),
    (error: unknown) => [String(error), String(error)],
  )
}
