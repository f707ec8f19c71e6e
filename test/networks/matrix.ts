/**
 * Clients that a module creates once, used in several networks by every way in which an application runs code. Each
 * item that a client sends has its own token, and the servers see the address that it arrives from: the exit address of
 * its network, or it does not arrive.
 */
import { join } from 'node:path'
import { funcs, processes } from 'troupe'
import { startApp, type TestApp, type WrittenEntry } from 'troupe/test'
import { Ledger } from './ledger.ts'
import { startProxy } from './proxy.ts'
import { type Batch, startServers } from './servers/start.ts'

/** The addresses that servers see for each network; none for the network whose proxy is dead. */
export const exits = { clear: '127.0.0.1', left: '127.0.0.2', right: '127.0.0.3', dead: 'nowhere' } as const

export type Network = keyof typeof exits

const networks: readonly Network[] = ['clear', 'left', 'right', 'dead']

/** The items that clients must send: tokens by client. */
interface Work {
  readonly items: Readonly<Record<string, readonly string[]>>
  /** Milliseconds after which a client counts as late: clients whose proxy is dead would retry for ever. */
  readonly patience: number
}

type Outcomes = Readonly<Record<string, unknown>>

/** Runs work in `network`. */
type Edge = (network: Network, work: Work) => Promise<unknown>

/** Ways in which code runs. */
export type EdgeName = keyof ReturnType<typeof edgesOf>

export interface Said {
  readonly network: Network
  readonly round: string
  readonly outcome: unknown
}

const option = (network: Network) => ({ network: network === 'clear' ? null : `app:${network}` })
const pin = (network: Network) => (network === 'clear' ? {} : { meta: { options: option(network) } })
/**
 * Several rounds in turn, so that each meets what the one before left; then all at once; then again, after everything
 * that is still queued.
 */
const rounds: readonly (readonly [string, readonly Network[]])[] = [
  ...(['clear', 'left', 'dead', 'clear', 'right', 'left'] as const).map(
    (network) => [`in turn, ${network}`, [network]] as const,
  ),
  ['at once', networks],
  ['last', networks],
]

export class Matrix implements AsyncDisposable {
  readonly names: readonly string[]
  readonly app: TestApp
  readonly #ledger: Ledger
  readonly #stack: AsyncDisposableStack
  readonly #said = new Map<string, Said[]>()

  private constructor(app: TestApp, names: readonly string[], ledger: Ledger, stack: AsyncDisposableStack) {
    this.app = app
    this.names = names
    this.#ledger = ledger
    this.#stack = stack
  }

  static async start(batch: Batch, names: readonly string[]): Promise<Matrix> {
    await using stack = new AsyncDisposableStack()
    const ledger = new Ledger()
    process.env['SERVERS'] = await startServers(batch, { ledger, stack })
    const [left, right] = await Promise.all([startProxy(exits.left, stack), startProxy(exits.right, stack)])
    const app = stack.use(
      await startApp({
        root: join(import.meta.dirname, 'clients'),
        // Threads of a pool are released for other networks soon, even if they have open connections that never end.
        set: ['network_service.drain_timeout=500ms'],
        entries: entriesOf(batch, { left: left.port, right: right.port, dead: 1 }),
      }),
    )
    return new Matrix(app, names, ledger, stack.move())
  }

  /** Uses all clients at one edge. */
  async run(name: EdgeName): Promise<void> {
    const edge = edgesOf()[name]
    for (const [round, list] of rounds)
      await Promise.all(list.map(async (network) => this.#say(name, edge, round, network)))
  }

  async #say(name: EdgeName, edge: Edge, round: string, network: Network): Promise<void> {
    const label = (client: string) => `${name}, ${client}`
    const items = Object.fromEntries(
      this.names.map((client) => [client, [1, 2].map(() => this.#ledger.issue(label(client), network).token)] as const),
    )
    const outcomes = await this.app.app
      .run(async () => edge(network, { items, patience: network === 'dead' ? 1000 : 20_000 }))
      .then(
        (answer) => this.names.map((client) => [client, isOutcomes(answer) ? answer[client] : answer] as const),
        (error: unknown) => this.names.map((client) => [client, String(error)] as const),
      )
    for (const [client, outcome] of outcomes) {
      const said = this.#said.get(label(client)) ?? []
      this.#said.set(label(client), [...said, { network, round, outcome }])
    }
  }

  /** Items of a client that arrived from an address outside of their network. */
  strays(edge: EdgeName, client: string) {
    return this.#ledger
      .of(`${edge}, ${client}`)
      .filter(({ network, peer }) => !isNetwork(network) || peer !== exits[network])
  }

  /** The confirmations that a client got, by round. */
  said(edge: EdgeName, client: string): readonly Said[] {
    return this.#said.get(`${edge}, ${client}`) ?? []
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }
}

function entriesOf(batch: Batch, ports: Readonly<Record<'left' | 'right' | 'dead', number>>): readonly WrittenEntry[] {
  const source = `file://${batch}.js`
  const host = (id: string, network: string) => ({
    id,
    kind: 'process.host',
    // Sealed threads see no variable that is not named here.
    host: { isolation: 'shared', workers: 1, network, env: ['SERVERS'] },
    lifecycle: { auto_start: true },
  })
  return [
    ...Object.entries(ports).map(([name, port]) => ({
      id: `app:${name}`,
      kind: 'network.socks5',
      host: '127.0.0.1',
      port,
    })),
    host('app:shared', 'guarded'),
    ...(canSeal ? [host('app:sealed', 'sealed')] : []),
    { id: 'app:say', kind: 'function.ts', source, method: 'say' },
    { id: 'app:inline', kind: 'function.ts', source, method: 'say', pool: 'inline' },
    { id: 'app:program', kind: 'process.ts', source, method: 'say' },
    { id: 'app:caller', kind: 'process.ts', source: 'file://caller.js', method: 'call' },
    ...networks.flatMap((network) => [
      {
        id: `app:receive_${network}`,
        kind: 'process.ts',
        source,
        method: 'receive',
        accepts: 'any',
        ...pin(network),
      },
      {
        id: `app:service_${network}`,
        kind: 'process.service',
        process: `app:receive_${network}`,
        host: 'app:shared',
        lifecycle: { auto_start: true },
      },
    ]),
  ]
}

export const canSeal = process.allowedNodeEnvironmentFlags.has('--allow-net')

function edgesOf() {
  const exec = (host: string): Edge => {
    return async (network, work) => processes.withOptions(option(network)).exec('app:program', host, work)
  }
  /** A process of one network that calls a function, or sends to a process. */
  const caller = async (network: Network, ...args: readonly unknown[]) =>
    processes.withOptions(option(network)).exec('app:caller', 'app:shared', ...args)
  return {
    'function pool': async (network, work) => funcs.withOptions(option(network)).call('app:say', work),
    inline: async (network, work) => caller('clear', 'inline', option(network), work),
    'shared host': exec('app:shared'),
    'sealed host': exec('app:sealed'),
    /** The network of the items is that of the receiver, for every sender. */
    messages: async (network, work) => {
      const senders = networks.filter((sender) => sender !== network)
      const parts = senders.map(async (sender, at) => {
        const own = Object.entries(work.items).map(
          ([client, tokens]) => [client, tokens.filter((_, item) => item % senders.length === at)] as const,
        )
        return caller(sender, 'send', `app:service_${network}`, { ...work, items: Object.fromEntries(own) })
      })
      return merged(await Promise.all(parts))
    },
    service: async (network, work) => processes.call(`app:service_${network}`, 'say', work),
  } as const satisfies Readonly<Record<string, Edge>>
}

/** `done` if all are, else the first other outcome. */
function merged(parts: readonly unknown[]): Outcomes {
  const all: Record<string, unknown> = {}
  for (const part of parts.filter(isOutcomes)) {
    for (const [client, outcome] of Object.entries(part)) if ((all[client] ?? 'done') === 'done') all[client] = outcome
  }
  return all
}

function isOutcomes(value: unknown): value is Outcomes {
  return typeof value === 'object' && value !== null
}

function isNetwork(name: string): name is Network {
  return name in exits
}
