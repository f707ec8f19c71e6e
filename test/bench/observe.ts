/**
 * `npm run bench:observe`: what observation costs: an application that is scraped every second, and whose dead letters
 * are kept, against the same application with neither. Both run in programs of their own, block by block alternately.
 */
import { type ChildProcess, execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { installPeers, load } from '../peers/install.ts'
import { type Line, median, printTable, scaled } from './measure.ts'

const run = promisify(execFile)
const worker = new URL('./observe-worker.ts', import.meta.url).pathname

/** An application in a program of its own. */
class Program {
  readonly #child: ChildProcess

  constructor(mode: 'on' | 'off') {
    this.#child = fork(worker, [mode])
    // The other program ends with this one.
    this.#child.on('exit', (code) => {
      if (code !== 0) process.exit(1)
    })
  }

  async ask(what: string): Promise<number> {
    this.#child.send(what)
    const replies: readonly unknown[] = await once(this.#child, 'message')
    return Number(replies[0])
  }

  async end(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.send('end')
    await ended
  }
}

const lines = [
  { what: 'messages a second, to a process of the same thread', ask: 'local' },
  { what: 'messages a second, to a process of another thread', ask: 'across' },
  { what: 'processes a second, started and ended', ask: 'spawn' },
] as const

const [on, off] = [new Program('on'), new Program('off')]
await Promise.all([on.ask('ready'), off.ask('ready')])
const table: Line[] = []
const rounds = scaled(7, 1)

async function compare(what: string, unit: string, figure: (program: Program) => Promise<number>): Promise<void> {
  const pairs: { readonly with: number; readonly without: number }[] = []
  for (let round = 0; round < rounds; round += 1) {
    // Which one begins alternates, too.
    const first = round % 2 === 0 ? on : off
    const a = await figure(first)
    const b = await figure(first === on ? off : on)
    pairs.push(first === on ? { with: a, without: b } : { with: b, without: a })
  }
  table.push({
    what,
    figure: median(pairs.map((pair) => pair.with)),
    unit,
    peer: {
      name: 'unobserved',
      figure: median(pairs.map((pair) => pair.without)),
      ratio: median(pairs.map((pair) => pair.with / pair.without)),
    },
  })
}

for (const { what, ask } of lines) await compare(what, '/s', async (program) => program.ask(ask))
await installPeers(load)
const ports = new Map([
  [on, await on.ask('port')],
  [off, await off.ask('port')],
])
await compare('HTTP requests a second', '/s', async (program) => {
  const url = `http://127.0.0.1:${ports.get(program)}/inline`
  const { stdout } = await run(load.wrk.path, ['-t1', '-c16', `-d${scaled(3, 1)}s`, url])
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1])
})
await Promise.all([on.end(), off.end()])
printTable('observation: scraped every second, dead letters kept', table)
