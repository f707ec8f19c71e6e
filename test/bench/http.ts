/**
 * HTTP: servers under `wrk`, alternating block by block, each in its own process; and the client. `npm run bench:http`
 */
import { execFile } from 'node:child_process'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { installPeers, load } from '../peers/install.ts'
import { streamTable } from './http-streams.ts'
import { tokenTable } from './http-tokens.ts'
import { httpClientTables } from './http-client.ts'
import { LineProgram } from './line-program.ts'
import { type Line, median, printTable, scaled } from './measure.ts'

const run = promisify(execFile)
const blocks = scaled(9, 3)
/** The first blocks warm up. */
const warm = 2
const seconds = scaled(2, 1)
const connections = 32

async function requestsPerSecond(url: string): Promise<number> {
  const { stdout } = await run(load.wrk.path, ['-t1', '--timeout', '60s', `-c${connections}`, `-d${seconds}s`, url])
  const [, rate = ''] = /Requests\/sec:\s+([\d.]+)/.exec(stdout) ?? []
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`requests to ${url} failed: ${stdout}`)
  return Number(rate)
}

async function serverTable(): Promise<readonly Line[]> {
  await installPeers(load)
  await using stack = new AsyncDisposableStack()
  const start = async (name: string) => {
    const program = stack.use(
      new LineProgram([process.execPath, join(import.meta.dirname, 'http-server-worker.ts'), name]),
    )
    return `http://127.0.0.1:${(await program.line()).trim()}`
  }
  const [ours, hono] = [await start('ours'), await start('hono')]
  const lines: Line[] = []
  for (const [what, path, rival, least] of [
    ['hello world, inline', '/inline', 'hono on @hono/node-server', 0.85],
    ['hello world, on a pool', '/pool', 'hono and piscina', 0.9],
  ] as const) {
    const pairs: (readonly [number, number])[] = []
    for (let block = 0; block < blocks; block += 1) {
      const pair = [await requestsPerSecond(ours + path), await requestsPerSecond(hono + path)] as const
      if (block >= warm) pairs.push(pair)
    }
    const ratio = median(pairs.map(([own, theirs]) => own / theirs))
    const figure = median(pairs.map(([own]) => own))
    lines.push({
      what,
      figure,
      unit: 'requests/s',
      peer: { name: rival, figure: figure / ratio },
      target: { text: `≥ ${least} ×`, met: ratio >= least },
    })
  }
  return lines
}

console.log(
  `load of the machine: ${loadavg()
    .map((load1) => load1.toFixed(2))
    .join(' ')}`,
)
printTable(`HTTP server, ${connections} connections`, await serverTable())
printTable('HTTP server, one large body', await streamTable())
printTable('HTTP server, the check of a token', await tokenTable())
if (!process.argv.includes('--server')) for (const [title, lines] of await httpClientTables()) printTable(title, lines)
