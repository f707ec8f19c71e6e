/**
 * New connections over a link with a round trip of 50 ms: two network namespaces and a program between them. Needs
 * root.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { LineProgram } from './line-program.ts'
import { type Line, scaled } from './measure.ts'
import { compare, lines } from './socks-connect.ts'
import { goProgram } from '../peers/built.ts'

const run = promisify(execFile)
const delay = '25ms'
const login = { username: 'bench', password: 'bench' }
const [near, far] = ['10.77.0.1', '10.77.0.2']

export interface SlowLinkOptions {
  readonly folder: string
  /** The program of the go-socks5 proxy. */
  readonly proxy: string
}

/** Creates the link, measures at its near end, and removes it. */
export async function overSlowLink({ folder, proxy }: SlowLinkOptions): Promise<readonly Line[]> {
  const [a, b] = [`troupe-a${process.pid}`, `troupe-b${process.pid}`]
  await using stack = new AsyncDisposableStack()
  for (const namespace of [a, b]) {
    await run('ip', ['netns', 'add', namespace])
    stack.defer(async () => void (await run('ip', ['netns', 'del', namespace])))
  }
  const program = join(folder, 'slow-link')
  await run(await goProgram(), ['build', '-o', program, '.'], { cwd: join(import.meta.dirname, 'slow-link') })
  const link = stack.use(new LineProgram([program, delay, a, 'tun0', b, 'tun0']))
  await link.line()
  for (const [namespace, address] of [[a, near] as const, [b, far] as const]) {
    await run('ip', ['-n', namespace, 'address', 'add', `${address}/30`, 'dev', 'tun0'])
    for (const device of ['tun0', 'lo']) await run('ip', ['-n', namespace, 'link', 'set', device, 'up'])
  }
  const inside = ['ip', 'netns', 'exec', b]
  const targetProgram = stack.use(
    new LineProgram([...inside, process.execPath, join(import.meta.dirname, 'socks-target.ts'), far]),
  )
  const [http, , https] = (await targetProgram.line()).split(' ').map(Number)
  stack.use(new LineProgram([...inside, proxy, `${far}:1080`]))
  stack.use(new LineProgram([...inside, proxy, `${far}:1081`, login.username, login.password]))
  const target = { host: far, port: http ?? 0 }
  const common = { target, optimistic: true, blocks: scaled(6, 3), perBlock: 3, within: ['ip', 'netns', 'exec', a] }
  const open = { what: '50 ms away, one write', proxy: { host: far, port: 1080 }, ...common }
  const closed = { what: '50 ms away, one write, with a login', proxy: { host: far, port: 1081, login }, ...common }
  const secure = {
    ...open,
    what: 'first byte of an HTTPS response',
    target: { host: far, port: https ?? 0 },
    names: ['direct', 'ours', 'ours without spares', 'socks-proxy-agent'] as const,
    protocol: 'https' as const,
  }
  const limits = (limit: number) => ({ socks: limit, 'fetch-socks': limit, 'socks-proxy-agent': limit })
  return [
    ...lines(open.what, await compare(open), 'latency', limits(0.35)),
    ...lines(closed.what, await compare(closed), 'latency', limits(0.27)),
    ...lines(secure.what, await compare(secure), 'latency', { direct: 1.05 }),
  ]
}
