/** The name of a coordination server gets another address. The far side of a wire counts all other packets. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { movedAddress, Namespace, proxyAddress } from '../guard/namespace.ts'
import { Daemon } from '../peers/daemon.ts'
import { Tailnet } from '../peers/tailnet.ts'
import { stateFolder } from './i2p-fixture.ts'

const nearProgram = fileURLToPath(new URL('./moved-program.ts', import.meta.url))
const farProgram = fileURLToPath(new URL('./tailnet-far.ts', import.meta.url))
const patience = { timeout: 90_000, interval: 500 }
/** Everything but DNS, to addresses of the far side. */
const passes = 'meta l4proto { tcp, udp } th dport != { 53, 853, 5353 }'
const name = 'control.test'

class Program implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #lines: AsyncIterator<string, undefined>

  constructor(command: readonly string[]) {
    const [first = '', ...args] = command
    this.#child = spawn(first, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
  }

  /** Returns the answer to the question; to none, the first line. */
  async ask(question?: string): Promise<unknown> {
    if (question !== undefined) this.#child.stdin.write(`${question}\n`)
    const line = await this.#lines.next()
    if (line.done === true) throw new Error('the program has ended')
    const answer: unknown = JSON.parse(line.value)
    return answer
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = this.#child.exitCode === null ? once(this.#child, 'exit') : undefined
    this.#child.stdin.end()
    await ended
  }
}

it('a coordination server that moves is found under its name; until then the node is degraded, and works', async () => {
  await using stack = new AsyncDisposableStack()
  const folder = await stateFolder(stack)
  const namespace = stack.use(await Namespace.start(folder, { passes }))
  await namespace.rename(name, proxyAddress)
  const tailnet = stack.use(await Tailnet.start({ ip: proxyAddress, within: namespace.far }))
  const url = tailnet.url.replace(proxyAddress, name)
  const far = async (host: string) => {
    const [program = '', ...within] = namespace.far
    const args = [...within, process.execPath, farProgram, url, await tailnet.key(), host]
    await stack.use(new Daemon({ name: host, program, args, log: join(folder, `${host}.log`) })).printed(/^echo /)
  }
  await far('far')
  const command = [...namespace.near, process.execPath, nearProgram, url, await tailnet.key(), 'far']
  const near = stack.use(new Program(command))
  expect(await near.ask()).toBe('ready')
  const works = async () => {
    await expect.poll(async () => near.ask('greet far'), patience).toBe('hello')
    await expect.poll(async () => near.ask('visited'), patience).toBe('hello')
  }
  await works()
  await expect.poll(async () => near.ask('state'), patience).toMatchObject({ state: 'up' })
  await near.ask('say before')
  await expect.poll(async () => near.ask('heard'), patience).toBe('before')

  await tailnet.command('move', { name: movedAddress })
  // The name still has the former address.
  await expect
    .poll(async () => near.ask('state'), patience)
    .toMatchObject({ state: 'degraded', reason: expect.stringContaining('refused') as string })
  await works()
  await near.ask('say -while')
  await expect.poll(async () => near.ask('heard'), patience).toBe('before-while')

  await namespace.rename(name, movedAddress)
  await expect.poll(async () => near.ask('state'), patience).toMatchObject({ state: 'up' })
  await works()
  // News arrive again.
  await far('late')
  await expect.poll(async () => near.ask('greet late'), patience).toBe('hello')
  await near.ask('say -after')
  await expect.poll(async () => near.ask('heard'), patience).toBe('before-while-after')
  const { proxy, ...strays } = await namespace.counters()
  expect(strays).toEqual({ dns: 0, tcp: 0, udp: 0, other: 0 })
  expect(proxy).toBeGreaterThan(0)
})
