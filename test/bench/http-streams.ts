/** One large body up and down, by turns with `node:http`: its rate, and the memory that the server takes for it. */
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { LineProgram } from './line-program.ts'
import { type Line, median, scaled } from './measure.ts'

const size = scaled(1 << 30, 16 << 20)
const chunk = Buffer.alloc(64 << 10)
const turns = scaled(5, 1)

interface Passed {
  /** MB per second. */
  readonly rate: number
  /** MB by which the server's memory has grown at most. */
  readonly growth: number
}

const agent = new Agent({ keepAlive: true })

/** Reads a body of {@link size} bytes. */
async function down(url: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const began = performance.now()
  request(`${url}/down?bytes=${size}`, { agent }, (response) => {
    let received = 0
    response
      .on('data', (data: Buffer) => (received += data.length))
      .on('error', reject)
      .on('end', () => {
        if (received === size) resolve(size / 1e3 / (performance.now() - began))
        else reject(new Error(`${received} bytes arrived`))
      })
  })
    .on('error', reject)
    .end()
  return promise
}

/** Sends a body of {@link size} bytes, which the server counts. */
async function up(url: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const began = performance.now()
  const outgoing = request(
    `${url}/up`,
    { agent, method: 'POST', headers: { 'content-length': String(size) } },
    (response) => {
      let text = ''
      response
        .setEncoding('utf8')
        .on('data', (data: string) => (text += data))
        .on('end', () => {
          if (text === String(size)) resolve(size / 1e3 / (performance.now() - began))
          else reject(new Error(`the server replied ${text}`))
        })
    },
  ).on('error', reject)
  let left = size
  const write = () => {
    while (left > 0) {
      left -= chunk.length
      if (!outgoing.write(chunk)) {
        outgoing.once('drain', write)
        return
      }
    }
    outgoing.end()
  }
  write()
  return promise
}

/** Alternates between both servers. The programs reply to a line with the MB of their memory at its peak since then. */
export async function streamTable(): Promise<readonly Line[]> {
  await using stack = new AsyncDisposableStack()
  const script = join(import.meta.dirname, 'http-server-worker.ts')
  const start = async (name: string) => {
    const program = stack.use(new LineProgram([process.execPath, script, name]))
    return { program, url: `http://127.0.0.1:${(await program.line()).trim()}` }
  }
  const servers = [await start('ours'), await start('node')] as const
  stack.defer(() => agent.destroy())
  const lines: Line[] = []
  for (const [what, pass] of [
    ['a response', down],
    ['a request', up],
  ] as const) {
    const passed = servers.map(() => new Array<Passed>())
    for (let turn = 0; turn <= turns; turn += 1) {
      for (const [at, { program, url }] of servers.entries()) {
        await program.ask('memory')
        const rate = await pass(url)
        // The first turn warms up.
        if (turn > 0) passed[at]?.push({ rate, growth: Number(await program.ask('memory')) })
        else await program.ask('memory')
      }
    }
    const [ours = [], node = []] = passed
    const ratio = median(ours.map(({ rate }, turn) => rate / (node[turn]?.rate ?? Number.NaN)))
    const of = (all: readonly Passed[], figure: keyof Passed) => median(all.map((one) => one[figure]))
    lines.push(
      {
        what: `${what} of ${size >> 20} MiB`,
        figure: of(ours, 'rate'),
        unit: 'MB/s',
        peer: { name: 'node:http', figure: of(node, 'rate'), ratio },
        target: { text: '≥ 0.95 ×', met: ratio >= 0.95 },
      },
      {
        what: `${what}: growth of the server's memory`,
        figure: of(ours, 'growth'),
        unit: 'MB',
        peer: { name: 'node:http', figure: of(node, 'growth') },
      },
    )
  }
  return lines
}
