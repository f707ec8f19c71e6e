/**
 * The HTTP client against its floor and its rivals, on keep-alive connections. Each client is in its own process;
 * blocks of requests alternate; ratios are taken block by block. `node test/bench/http-client.ts` runs it alone.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installPeers } from '../peers/install.ts'
import { address } from '../peers/loopback.ts'
import { startMicrosocks } from '../peers/microsocks.ts'
import { LineProgram } from './line-program.ts'
import { type Line, median, printTable, scaled } from './measure.ts'

const blocks = scaled(60, 3)
const perBlock = scaled(320, 32)
/** The first blocks warm up. */
const warm = scaled(20, 1)

interface Cost {
  /** Microseconds of a request. */
  readonly time: number
  /** Microseconds of the client's process, user and system. */
  readonly cpu: number
}

interface Rival {
  readonly name: string
  /** The target, in requests per second or per second of CPU, as the ratio of Troupe to the other client. */
  readonly target?: { readonly of: keyof Cost; readonly least: number }
}

async function compare(
  clients: readonly string[],
  args: readonly string[],
  atOnce: number,
): Promise<ReadonlyMap<string, readonly Cost[]>> {
  await using stack = new AsyncDisposableStack()
  const script = join(import.meta.dirname, 'http-client-worker.ts')
  const workers = clients.map((name) => ({
    name,
    program: stack.use(new LineProgram([process.execPath, script, name, ...args])),
    costs: new Array<Cost>(),
  }))
  for (let block = 0; block < blocks; block += 1) {
    for (const { program, costs } of workers) {
      const [time = Number.NaN, cpu = Number.NaN] = (await program.ask(`${perBlock} ${atOnce}`)).split(' ').map(Number)
      if (block >= warm) costs.push({ time, cpu })
    }
  }
  return new Map(workers.map(({ name, costs }) => [name, costs]))
}

function linesOf(what: string, costs: ReadonlyMap<string, readonly Cost[]>, rivals: readonly Rival[]): readonly Line[] {
  const ours = costs.get('ours') ?? []
  return rivals.flatMap(({ name, target }) =>
    (['time', 'cpu'] as const).map((of): Line => {
      const theirs = costs.get(name) ?? []
      // The ratio of theirs to ours, block by block: other load on the machine affects neighbouring blocks equally.
      const ratio = median(ours.map((cost, block) => (theirs[block]?.[of] ?? Number.NaN) / cost[of]))
      const figure = 1e6 / median(ours.map((cost) => cost[of]))
      return {
        what,
        figure,
        unit: of === 'time' ? 'requests/s' : 'requests/s of CPU',
        peer: { name, figure: figure / ratio },
        ...(target?.of === of && { target: { text: `≥ ${target.least} ×`, met: ratio >= target.least } }),
      }
    }),
  )
}

/** The tables: in the clear network, and through a SOCKS5 proxy. */
export async function httpClientTables(): Promise<ReadonlyMap<string, readonly Line[]>> {
  await using stack = new AsyncDisposableStack()
  await installPeers()
  const folder = await mkdtemp(join(tmpdir(), 'troupe-bench-'))
  stack.defer(async () => rm(folder, { recursive: true }))
  const target = stack.use(new LineProgram([process.execPath, join(import.meta.dirname, 'socks-target.ts')]))
  const [port = ''] = (await target.line()).split(' ')
  const microsocks = await startMicrosocks(folder, address(10))
  stack.use(microsocks.daemon)
  const url = `http://127.0.0.1:${port}/`
  const proxy = [microsocks.peer.host, String(microsocks.peer.port)]

  const inClear: readonly Rival[] = [
    { name: 'undici.request', target: { of: 'time', least: 0.95 } },
    { name: 'undici.fetch' },
    { name: 'node:http' },
    { name: 'axios' },
  ]
  const proxied: readonly Rival[] = [
    { name: 'undici.request', target: { of: 'cpu', least: 0.97 } },
    { name: 'node:http', target: { of: 'cpu', least: 2 } },
    { name: 'axios', target: { of: 'time', least: 2 } },
  ]
  const names = (rivals: readonly Rival[]) => ['ours', ...rivals.map(({ name }) => name)]
  const tables = new Map<string, readonly Line[]>()
  for (const [what, atOnce] of [
    ['one after the other', 1],
    ['16 at once', 16],
  ] as const) {
    tables.set(
      `HTTP client in the clear, ${what}`,
      linesOf('kept connection', await compare(names(inClear), [url], atOnce), inClear),
    )
    const through = await compare(names(proxied), [url, ...proxy], atOnce)
    tables.set(
      `HTTP client through SOCKS5 (rivals with socks-proxy-agent), ${what}`,
      linesOf('kept connection', through, proxied),
    )
  }
  return tables
}

if (import.meta.main) for (const [title, lines] of await httpClientTables()) printTable(title, lines)
