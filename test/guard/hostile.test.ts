/**
 * Hostile code, in sealed hosts and pools and, as a control, in a guarded host. Each attempt has its own place at which
 * it would show, and packets are counted where the application has no access.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startApp } from 'troupe/test'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Namespace } from './namespace.ts'

const program = fileURLToPath(new URL('hostile/program.ts', import.meta.url))
/** The machine may be busy: the attempts wait for events that do not come. */
const limit = 180_000
const canSeal = process.allowedNodeEnvironmentFlags.has('--allow-net')
let stack = new AsyncDisposableStack()
let folder = ''
let namespace: Namespace

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  folder = await mkdtemp(join(tmpdir(), 'troupe-hostile-'))
  stack.defer(async () => rm(folder, { recursive: true, force: true }))
  namespace = stack.use(await Namespace.start(folder, { names: ['leak.test'] }))
})
afterEach(async () => stack.disposeAsync())

interface Printed {
  /** The outcome of each attempt; absent for those that ended their process. */
  readonly ended: Readonly<Record<string, Readonly<Record<'done' | 'failed', string | undefined>>>>
  readonly seen: Readonly<Record<string, readonly string[]>>
  /** The inspector of the program listens. */
  readonly inspected: boolean
}

function parsed(text: string): Printed
function parsed(text: string): unknown {
  const value: unknown = JSON.parse(text)
  return value
}

/** What was seen of each attempt that left a trace. */
function seenOf({ seen }: Printed): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(Object.entries(seen).filter(([, what]) => what.length > 0))
}

const when = (possible: boolean) => (possible ? describe : noTests)

/** The list of tests shows what this Node supports. */
function noTests(): void {}

when(canSeal)('where Node can seal threads, hostile code', () => {
  it.each(['sealed', 'process', 'pool'])('opens nothing in a host or pool: %s', { timeout: limit }, async (host) => {
    const printed = parsed(await namespace.run(program, host, folder))
    expect(seenOf(printed)).toEqual({})
    expect(printed.inspected).toBe(false)
    const { proxy, ...strays } = await namespace.counters()
    expect(strays).toEqual({ dns: 0, tcp: 0, udp: 0, other: 0 })
    // Connections that it opens by allowed means go through the overlay.
    expect(proxy).toBeGreaterThan(0)
    const { ended, seen } = printed
    expect(Object.keys(seen).length).toBeGreaterThan(70)
    // Writing to a descriptor of its own process may end that process; the kernel ends a thread that breaks the
    // protocol.
    const over = Object.keys(seen).filter((name) => ended[name] === undefined)
    if (host === 'sealed')
      expect(over).toEqual(['fs.createWriteStream', 'a claim to the kernel that the clear network was granted'])
    else expect(over.filter((name) => !/descriptor|fs\.|FileHandle|a claim to the kernel/.test(name))).toEqual([])
    // The first reports a child that it could not start; the second gets a placeholder address for the name.
    expect(Object.keys(ended).filter((name) => ended[name]?.done !== undefined)).toEqual([
      'the test runner of Node',
      // Of its own process.
      ...(host === 'sealed' ? [] : ['flags of V8']),
      'a frame of its own making, and a name',
    ])
  })

  it('gets around the guard in a guarded host, as documented', { timeout: limit }, async () => {
    const bytes = (text: string) => [`bytes: ${text}`]
    const printed = parsed(await namespace.run(program, 'guarded', folder))
    expect(seenOf(printed)).toEqual({
      'fs.writeSync': bytes('fs.writeSync'),
      'fs.write': bytes('fs.write'),
      'fs.writevSync': bytes('writev'),
      'fs.writeFileSync on a descriptor': bytes('fs.writeFileSync'),
      'fs.createWriteStream': bytes('stream'),
      'fs.Utf8Stream': bytes('Utf8Stream'),
      'the original fs.writeSync, caught': bytes('caught'),
      'a FileHandle that says another descriptor': bytes('FileHandle'),
      'a FileHandle whose descriptor was changed': bytes('FileHandle'),
      'fs.promises.writeFile on such a FileHandle': bytes('writeFile'),
      'a native FileHandle': bytes('native'),
      'a terminal on a descriptor': bytes('tty'),
      'a network of its own making, and a child': ['a connection'],
      'a network of its own making, and a native handle': ['a connection'],
      'a network of its own making, and hooks of modules': ['a connection'],
      'a network of its own making, and the program’s inspector': ['a connection'],
    })
    // Ended by a signal.
    expect(printed.inspected).toBe(true)
  })
})

when(!canSeal)('where Node cannot seal threads, hostile code', () => {
  it('has no sealed host, because this Node cannot seal threads', async () => {
    const host = { id: 'app:sealed', kind: 'process.host', host: { network: 'sealed' } }
    await expect(startApp({ entries: [host] })).rejects.toThrow('Node 26')
  })
})
