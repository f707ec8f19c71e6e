/**
 * Time and CPU of a new connection. Each client is in its own process; blocks alternate, so that other load on the
 * machine affects all equally.
 */
import { join } from 'node:path'
import { LineProgram } from './line-program.ts'
import { type Line, median, scaled } from './measure.ts'
import { type ClientName, clientNames, formatPlace, type Place } from './socks-clients.ts'

export interface Comparison {
  readonly what: string
  readonly proxy: Place
  readonly target: Place
  /** Whether ours and the bare client send everything in one write; the others cannot. */
  readonly optimistic: boolean
  readonly blocks: number
  readonly perBlock: number
  /** The clients. @default all but `direct` */
  readonly names?: readonly ClientName[]
  /** `https`: until the first byte of a response, over TLS. */
  readonly protocol?: 'https'
  /** The command that runs the workers elsewhere: `ip netns exec …`. */
  readonly within?: readonly string[]
}

export interface Cost {
  /** Milliseconds. */
  readonly latency: number
  /** Microseconds of the process, user and system. */
  readonly cpu: number
}

export async function compare({
  proxy,
  target,
  optimistic,
  blocks,
  perBlock,
  within = [],
  names = clientNames,
  protocol,
}: Comparison): Promise<ReadonlyMap<ClientName, Cost>> {
  await using stack = new AsyncDisposableStack()
  const script = join(import.meta.dirname, 'socks-worker.ts')
  const rest = [
    formatPlace(proxy),
    formatPlace(target),
    String(optimistic),
    String(perBlock),
    ...(protocol ? [protocol] : []),
  ]
  const workers = names.map((name) => ({
    name,
    program: stack.use(new LineProgram([...within, process.execPath, script, name, ...rest])),
    costs: new Array<Cost>(),
  }))
  for (let block = 0; block < blocks; block += 1) {
    for (const { program, costs } of workers) {
      const [latency, cpu] = (await program.ask()).split(' ').map(Number)
      costs.push({ latency: latency ?? Number.NaN, cpu: cpu ?? Number.NaN })
    }
  }
  // The first third is a warm-up.
  const settled = (costs: readonly Cost[]) => costs.slice(Math.floor(blocks / 3))
  return new Map(
    workers.map(({ name, costs }) => [
      name,
      {
        latency: median(settled(costs).map(({ latency }) => latency)),
        cpu: median(settled(costs).map(({ cpu }) => cpu)),
      },
    ]),
  )
}

/** Lines of the table: ours against each of the others. */
export function lines(
  what: string,
  found: ReadonlyMap<ClientName, Cost>,
  cost: keyof Cost,
  limits: Partial<Record<ClientName, number>>,
  ours: ClientName = 'ours',
): readonly Line[] {
  const inMicroseconds = (name: ClientName) => (found.get(name)?.[cost] ?? Number.NaN) * (cost === 'latency' ? 1000 : 1)
  const figure = inMicroseconds(ours)
  return [...found.keys()]
    .filter((name) => name !== ours)
    .map((name): Line => {
      const limit = limits[name]
      const peer = { name, figure: inMicroseconds(name) }
      return {
        what: `${what}: ${cost}`,
        figure,
        unit: 'µs',
        peer,
        ...(limit !== undefined && { target: { text: `≤ ${limit}`, met: figure / peer.figure <= limit } }),
      }
    })
}

export async function connections(
  what: string,
  proxy: Place,
  target: Place,
  optimistic: boolean,
): Promise<readonly Line[]> {
  const found = await compare({ what, proxy, target, optimistic, blocks: scaled(36, 4), perBlock: scaled(200, 20) })
  const limits = { socks: 0.75, 'fetch-socks': 0.55, 'socks-proxy-agent': 0.55 }
  const plain = new Map([...found].filter(([name]) => name === 'ours without spares' || name === 'bare'))
  const bare = { latency: 1.08, cpu: 1.12 }
  return (['latency', 'cpu'] as const).flatMap((cost) => [
    ...lines(what, found, cost, { ...limits, bare: bare[cost] }),
    ...lines(`${what}, without spares`, plain, cost, { bare: bare[cost] }, 'ours without spares'),
  ])
}
