/** A shell or a pipe must see the same of a command as of the same program under plain Node. */
import { type ChildProcess, execFileSync, spawn, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { AppFolder } from './app-folder.ts'

const program = resolve(import.meta.dirname, '../../packages/cli/src/troupe.ts')
const methods = [
  'flood',
  'order',
  'code',
  'leaves',
  'flushes',
  'late',
  'rejected',
  'words',
  'reads',
  'ticks',
  'writes',
  'blocks',
  'screen',
]

const app = () =>
  new AppFolder({
    'package.json': '{ "type": "module" }',
    '.troupe.yaml': 'log: { format: text }\n',
    'src/_index.yaml': `namespace: app
entries:
  - { name: threads, kind: process.host, lifecycle: { auto_start: true } }
  - { name: ticker, kind: process.service, process: ticks, host: threads, lifecycle: { stop_timeout: 10ms } }
${methods
  .map(
    (name) =>
      `  - { name: ${name}, kind: process.ts, source: file://m.ts, ` +
      `method: ${name}, meta: { command: { name: ${name} } } }\n`,
  )
  .join('')}`,
    'src/m.ts': `import { readFileSync } from 'node:fs'
import { setInterval, setTimeout as sleep } from 'node:timers/promises'
export function flood(status?: string) {
  for (let line = 0; line < 100_000; line++) console.log(line + ' ' + '.'.repeat(80))
  if (status) process.exit(Number(status))
}
export function order() { for (let i = 0; i < 100; i++) { console.log('out', i); console.error('err', i) } }
export function code() { process.exitCode = 5 }
export function leaves() { console.log('before'); process.exit(6) }
export async function flushes() { process.stdout.write('x'.repeat(1e6), () => process.exit(4)); await sleep(1e6) }
export async function late() { setTimeout(() => { throw new RangeError('late') }); await sleep(1e6) }
export async function rejected() { void Promise.reject(new Error('unhandled')); await sleep(1e6) }
export const words = (...args: string[]) => console.log(JSON.stringify([process.argv[1], process.argv.slice(2), args]))
export async function reads() {
  let n = 0
  for await (const chunk of process.stdin) n += chunk.length
  console.log('read', n)
}
export async function ticks() { for await (const _ of setInterval(20)) console.log('tick') }
export async function writes() { for await (const _ of setInterval(20)) process.stdout.write('tick\\n') }
export function blocks(fifo: string) { console.log('blocks'); readFileSync(fifo) }
export const screen = () => {
  const { stdin, stdout } = process
  console.log([stdout.isTTY, stdout.columns, stdin.isTTY, stdout.hasColors()], { a: 1 })
}
`,
  })

function start(folder: AppFolder, stdio: StdioOptions, ...argv: readonly string[]): ChildProcess {
  return spawn(process.execPath, [program, ...argv], { cwd: folder.path, stdio })
}

/** The streams of a program that was started with pipes. */
function pipes({ stdin, stdout, stderr }: ChildProcess) {
  if (!stdin || !stdout || !stderr) throw new Error('the program was started without pipes')
  return { stdin, stdout, stderr }
}

/** Settles when the program writes `words` to stderr. */
async function says({ stderr }: ChildProcess, words: string): Promise<void> {
  if (!stderr) throw new Error('the program was started without a pipe')
  for await (const chunk of stderr.iterator({ destroyOnReturn: false })) if (String(chunk).includes(words)) return
  throw new Error(`it ended without saying "${words}"`)
}

async function status(child: ChildProcess): Promise<unknown> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return child.exitCode ?? child.signalCode
}

describe('the output of a command', () => {
  it.each([
    ['that returns', [], 0],
    ['that calls process.exit', ['3'], 3],
  ] as const)('%s is complete, however slow its reader is', async (_, args, expected) => {
    using folder = app()
    const child = start(folder, 'pipe', 'run', 'flood', ...args)
    const { stdout } = pipes(child)
    // The output is read only after the application has stopped.
    await says(child, 'app:threads Stopped')
    expect((await text(stdout)).split('\n')).toHaveLength(100_001)
    expect(await status(child)).toBe(expected)
  })

  it('keeps the order of its two streams', async () => {
    using folder = app()
    const file = join(folder.path, 'all.txt')
    const fd = openSync(file, 'a')
    expect(await status(start(folder, ['ignore', fd, fd], 'run', 'order'))).toBe(0)
    closeSync(fd)
    const lines = readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => /^(?:out|err) /.test(line))
    expect(lines).toEqual(Array.from({ length: 100 }, (__, i) => [`out ${i}`, `err ${i}`]).flat())
  })

  it('has the terminal of the program', async () => {
    using folder = app()
    const seen = execFileSync(
      'script',
      ['-qec', `stty cols 77; ${process.execPath} ${program} run screen`, '/dev/null'],
      {
        cwd: folder.path,
        encoding: 'utf8',
        env: { ...process.env, TERM: 'xterm-256color', NO_COLOR: undefined, FORCE_COLOR: undefined, CI: undefined },
      },
    )
    expect(seen).toContain('\u001b[33m77\u001b[39m')
    expect(seen).toContain('{ a: \u001b[33m1\u001b[39m }')
    expect(seen.match(/\[33mtrue/g)).toHaveLength(3)
  })

  it.each(['ticks', 'writes'])('ends a command whose reader is gone, as in Node: %s', async (command) => {
    using folder = app()
    const child = start(folder, 'pipe', 'run', command)
    const { stdout, stderr } = pipes(child)
    const said = text(stderr)
    await once(stdout, 'data')
    stdout.destroy()
    expect(await status(child)).toBe(1)
    expect(await said).toContain(`troupe: app:${command} failed\nError: write EPIPE`)
  })

  it('does not end an application of services whose readers are gone', async () => {
    using folder = app()
    const child = start(folder, 'pipe', 'run', '-o', 'app:ticker:lifecycle.auto_start=true')
    const { stdout } = pipes(child)
    await once(stdout, 'data')
    stdout.destroy()
    await says(child, 'troupe: stdout: write EPIPE: what is printed there is lost')
    child.kill('SIGTERM')
    await says(child, 'app:threads Stopped')
    expect(await status(child)).toBe(0)
  })

  it('does not end an application whose log is no longer read', async () => {
    using folder = app()
    const child = start(folder, 'pipe', 'run', '-o', 'app:ticker:lifecycle.auto_start=true')
    const { stdout, stderr } = pipes(child)
    await once(stderr, 'data')
    stderr.destroy()
    stdout.resume()
    await once(stdout, 'data')
    child.kill('SIGTERM')
    expect(await status(child)).toBe(0)
  })

  it('does not end an application at a full disk, and reports it once', async () => {
    using folder = app()
    const full = openSync('/dev/full', 'w')
    const child = start(folder, ['pipe', full, 'pipe'], 'run', '-o', 'app:ticker:lifecycle.auto_start=true')
    closeSync(full)
    await says(child, 'ENOSPC')
    child.kill('SIGTERM')
    if (!child.stderr) throw new Error('the program was started without a pipe')
    const rest = text(child.stderr)
    expect(await status(child)).toBe(1)
    expect(await rest).not.toContain('ENOSPC')
  })

  it('can end early for head', async () => {
    using folder = app()
    const child = start(folder, 'pipe', 'list')
    pipes(child).stdout.destroy()
    expect([await status(child), await text(pipes(child).stderr)]).toEqual([0, ''])
  })
})

describe('the status of a command', () => {
  it.each([
    ['code', 5],
    ['leaves', 6],
    ['flushes', 4],
    ['late', 1],
    ['rejected', 1],
  ])('%s: %i', async (command, expected) => {
    using folder = app()
    const ended = await folder.troupe('run', command)
    expect(ended.status).toBe(expected)
    if (command === 'leaves') expect([ended.out, ended.err.includes('failed')]).toEqual(['before\n', false])
    if (command === 'flushes') expect(ended.out).toHaveLength(1e6)
  })
})

describe('the input of a command', () => {
  it('is what is piped into the program, to its end', async () => {
    using folder = app()
    const child = start(folder, 'pipe', 'run', 'reads')
    const { stdin, stdout } = pipes(child)
    stdin.end(Buffer.alloc(1_000_000))
    expect(await text(stdout)).toBe('read 1000000\n')
  })

  it('is left unread when the command does not read it', () => {
    using folder = app()
    const run = `${process.execPath} ${program} run code 2>/dev/null`
    const script = `printf 'a\\nb\\n' | while read line; do echo $line; ${run}; done`
    expect(execFileSync('sh', ['-c', `${script}; true`], { cwd: folder.path, encoding: 'utf8' })).toBe('a\nb\n')
  })

  it('is its arguments, in process.argv as well', async () => {
    using folder = app()
    const { out } = await folder.troupe('run', 'words', 'a', '--', '--json')
    expect(JSON.parse(out)).toEqual([join(folder.path, 'src/m.ts'), ['a', '--', '--json'], ['a', '--', '--json']])
  })
})

describe('a second signal', () => {
  it('ends the program whose thread is in a system call', async () => {
    using folder = app()
    execFileSync('mkfifo', [join(folder.path, 'fifo')])
    const child = start(folder, 'pipe', 'run', 'blocks', 'fifo')
    await once(pipes(child).stdout, 'data')
    child.kill('SIGTERM')
    await says(child, 'SIGTERM: stopping')
    child.kill('SIGINT')
    expect(await status(child)).toBe(130)
  })

  it('is not needed after the stop timeout', async () => {
    using folder = app()
    execFileSync('mkfifo', [join(folder.path, 'fifo')])
    const child = start(folder, 'pipe', '--set', 'shutdown.timeout=100ms', 'run', 'blocks', 'fifo')
    await once(pipes(child).stdout, 'data')
    child.kill('SIGTERM')
    expect(await status(child)).toBe(143)
  })
})
