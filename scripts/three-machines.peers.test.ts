/** Follows the page about three machines: three folders, each with a server and a node at an address of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempDisposableSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, it, vi } from 'vitest'
import { natsProgram } from '../test/peers/nats.ts'
import { type Installed, Reader } from './page-reader.ts'
import { partsOf, type Step } from './page-steps.ts'

const repository = resolve(import.meta.dirname, '..')
const program = join(repository, 'packages/cli/src/troupe.ts')
const installed: Installed = { modules: join(repository, 'node_modules'), program }
const patience = { timeout: 600_000 }

/** The machines of the page have addresses of loopback. */
const here = (text: string) => text.replaceAll('10.0.0.', '127.9.7.')

function partOf(title: string): readonly Step[] {
  const page = readFileSync(join(repository, 'docs/how-to/three-machines.md'), 'utf8')
  const part = partsOf(here(page)).find((one) => one.title === title)
  if (part === undefined) throw new Error(`the page has no part "${title}"`)
  return part.steps
}

/** A machine: its folder, its server, and its node. */
class Machine implements AsyncDisposable {
  /** What the node has written. */
  log = ''
  readonly reader: Reader
  readonly #children: readonly ChildProcess[]

  constructor(folder: string, number: number) {
    const env = { ...process.env, NODE_NAME: `n${number}`, ADDRESS: here(`10.0.0.${number}`) }
    this.reader = new Reader(folder, installed, env)
    for (const other of ['ca.key', ...[1, 2, 3].filter((each) => each !== number).map((each) => `.troupe/n${each}.nk`)])
      rmSync(join(folder, other))
    this.#children = [
      [natsProgram, '-c', 'nats.conf'],
      [process.execPath, program, 'run'],
    ].map(([command = '', ...args]) => {
      const child = spawn(command, args, { cwd: folder, env, stdio: ['pipe', 'pipe', 'pipe'] })
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (text: string) => (this.log += command === natsProgram ? '' : text))
      return child
    })
  }

  /** Settles when its programs have written that. */
  async until(pattern: RegExp): Promise<void> {
    await vi.waitFor(
      () => {
        if (!pattern.test(this.log)) throw new Error(`it has written:\n${this.log}`)
      },
      { timeout: 120_000 },
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    }
    await this.reader[Symbol.asyncDispose]()
  }
}

async function responseOf(path: string): Promise<string> {
  return (await fetch(`http://${here(path)}`).then(async (response) => response.text())).trim()
}

it('the page about three machines can be followed, and an order survives its machine', patience, async () => {
  using empty = mkdtempDisposableSync(join(tmpdir(), 'troupe-machines-'))
  const first = join(empty.path, 'shop')
  await using reader = new Reader(empty.path, installed, {})
  for (const title of ['The files', 'The certificates', 'The servers']) await reader.follow(partOf(title))
  const folders = [first, ...['second', 'third'].map((name) => join(empty.path, name))]
  for (const folder of folders.slice(1)) cpSync(first, folder, { recursive: true, verbatimSymlinks: true })
  await using stack = new AsyncDisposableStack()
  const machines = folders.map((folder, index) => stack.use(new Machine(folder, index + 1)))
  const [one, two, three] = machines
  if (one === undefined || two === undefined || three === undefined) throw new Error('three machines were started')
  // All have joined when each of them knows the two others.
  for (const machine of machines) await machine.until(/cluster shop: (?:[^]*has joined){3}/)

  await two.reader.follow(
    partOf('On each machine').filter((step) => 'command' in step && step.command.startsWith('npx troupe cluster')),
  )
  await expect.poll(() => responseOf('10.0.0.1:8377/order/1')).toBe('accepted')
  await expect.poll(() => responseOf('10.0.0.2:8377/state/1')).toBe('done')

  await one[Symbol.asyncDispose]()
  await expect.poll(() => responseOf('10.0.0.2:8377/order/2')).toBe('accepted')
  await expect.poll(() => responseOf('10.0.0.3:8377/state/2')).toBe('done')
  await expect.poll(() => responseOf('10.0.0.3:8377/state/1')).toBe('done')

  await three[Symbol.asyncDispose]()
  await expect.poll(() => responseOf('10.0.0.2:8377/order/3')).toContain('Unavailable')
  // The same trouble is logged once, however often jobs are asked for.
  const troubles = Array.from(two.log.matchAll(/app:shipper: (takes[^"]*)/g), ([, text]) => text)
  expect(troubles.filter((text, index) => text === troubles[index - 1])).toEqual([])
})
