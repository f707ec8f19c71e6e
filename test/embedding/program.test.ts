/**
 * The network of a program that embeds an application, and the errors of its calls. Each program runs in its own Node.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const file = fileURLToPath(new URL('./program.ts', import.meta.url))

/** What a program prints. */
async function found(name: string, flags: readonly string[] = []): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, file, name])
  const value: unknown = JSON.parse(stdout)
  return value
}

const message = (pattern: RegExp): unknown => expect.stringMatching(pattern)

it('is refused in an overlay when the thread has open connections; continues in the clear network', async () => {
  expect(await found('opened')).toEqual({
    refused: {
      kind: 'Invalid',
      message: message(/^this program opened 1 connection \(127\.0\.0\.1:\d+\) .*"network: null"$/),
      details: { overlay: 'app:tor', connections: [expect.stringMatching(/^127\.0\.0\.1:\d+$/)], code: 'ENETWORK' },
    },
    open: 'still open',
    state: 'Running',
  })
})

it('is refused, too, when its own connection is idle, and could serve a pool later', async () => {
  expect(await found('idle')).toMatchObject({
    kind: 'Invalid',
    message: message(/^this program opened 1 connection \(127/),
  })
})

it('may listen before, and serves earlier and later connections', async () => {
  const program = spawn(process.execPath, [file, 'serving'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface(program.stdout)[Symbol.asyncIterator]()
  const line = async () => String((await lines.next()).value)
  const port = Number(await line())
  const echoed = async (socket: Socket, word: string) => {
    socket.write(word)
    const [data] = (await once(socket, 'data')) as [Buffer]
    return data.toString()
  }
  const before = connect(port, '127.0.0.1')
  expect(await line()).toBe('booted')
  const after = connect(port, '127.0.0.1')
  expect([await echoed(before, 'before'), await echoed(after, 'after')]).toEqual(['before', 'after'])
  before.destroy()
  after.destroy()
  program.stdin.end()
  expect(await line()).toBe('"served"')
})

it('is refused in an overlay while an earlier thread or child process runs', async () => {
  const refused = (what: string) => ({
    kind: 'Invalid',
    message: message(new RegExp(`^this program started ${what} before the application.*app:tor.*"network: null"$`)),
    details: { overlay: 'app:tor', running: [message(new RegExp(`^${what}$`))], code: 'ENETWORK' },
  })
  const thread = 'thread \\d+'
  expect(await found('beside_thread')).toEqual({
    starting: refused(thread),
    unreferenced: refused(thread),
    ended: 'no error',
  })
  expect(await found('beside_child')).toEqual({
    pid: expect.any(Number) as unknown,
    running: refused('child process \\d+'),
    ended: 'no error',
  })
})

it.each([
  ['without a permission model', []],
  ['that may start threads and not inspect them', ['--permission', '--allow-worker', '--allow-fs-read=*']],
])('sees a thread from before Troupe was loaded, in a program %s', async (_, flags) => {
  const earlier =
    'import { Worker } from "node:worker_threads"; new Worker("setInterval(() => {}, 1000)", { eval: true }).unref()'
  expect(await found('beside_earlier', [...flags, '--import', `data:text/javascript,${earlier}`])).toMatchObject({
    kind: 'Invalid',
    message: message(/^this program started thread \d+ before the application/),
  })
})

it('may have them in the clear network, and those of Node itself', async () => {
  expect(await found('beside_in_the_clear')).toBe('Running')
  expect(await found('hooks')).toBe('Running')
})

it('keeps its network: an application with another one is refused with that reason', async () => {
  const refused = (requested: string) => ({
    kind: 'Invalid',
    message: message(new RegExp(`runs in the clear network and keeps that network.*overlay ${requested}`)),
    details: { network: null, requested, code: 'ENETWORK' },
  })
  expect(await found('second')).toEqual({
    other: refused('app:tor'),
    explicit: refused('app:other'),
    same: expect.any(Number) as unknown,
  })
  expect(await found('beside')).toMatchObject({
    same: { kind: 'AlreadyExists' },
    other: { kind: 'Invalid', message: message(/runs in overlay app:tor and keeps that network/) },
    // The first application keeps its network.
    own: { message: message(/^a connection to 127.* through overlay app:tor failed/) },
  })
})

it('is refused in an overlay that does not exist', async () => {
  expect(await found('unknown')).toMatchObject({ network: { kind: 'NotFound', details: { overlay: 'app:nowhere' } } })
})

it('in the clear network, starts unspecified code in the default network', async () => {
  expect(await found('clear')).toEqual({
    inherited: [null, 'app:tor'],
    chosen: ['app:other', 'app:other'],
    direct: [null, null],
  })
})

it('in a chosen overlay, starts unspecified code there', async () => {
  expect(await found('chosen')).toMatchObject({
    tcp: { kind: 'Unavailable', message: message(/overlay app:other.*right\?$/), details: { overlay: 'app:other' } },
    overlay: ['app:other', 'app:other'],
  })
})

it('gets an error with the overlay and "network: null" if a connection fails in the default network', async () => {
  const remedy = /app:tor.*[.?] This program itself runs in app:tor, [^.]*boot it with "network: null" [^.]*$/
  const errors = await found('advice')
  for (const way of ['tcp', 'again', 'unix']) expect(errors).toMatchObject({ [way]: { message: message(remedy) } })
})

it('gets an error for calls after the stop: the application has stopped', async () => {
  const stopped = {
    kind: 'Invalid',
    message: message(/^the application of this program has stopped: /),
    details: { reason: 'stopped' },
  }
  expect(await found('stopped')).toEqual({
    'processes.send': stopped,
    'processes.spawn': stopped,
    'funcs.call': stopped,
    'registry.get': stopped,
    'self.pid': stopped,
    'self.receive': stopped,
    'inside app.run': stopped,
  })
})

it('gets an error for calls before the start: no application runs', async () => {
  const none = { kind: 'Invalid', message: message(/no Troupe application (runs )?in this thread: boot one/) }
  expect(await found('before')).toMatchObject({
    'processes.send': none,
    'funcs.call': none,
    'self.pid': none,
    'http.get': none,
  })
})

it('has no mailbox and no signal', async () => {
  expect(await found('mailbox')).toMatchObject({
    receive: { message: message(/^only a process has a mailbox: this code runs in .*program around an application$/) },
    signal: { message: message(/^only a process or a function has a signal: /) },
  })
})

it('fails its connections with the application that does not start', async () => {
  expect(await found('broken')).toMatchObject({
    boot: { kind: 'Invalid', message: message(/there is no overlay app:tor/) },
    early: { kind: 'Unavailable', message: message(/^the application did not start: .*there is no overlay app:tor/) },
  })
})

it('logs every failure of a supervised child', async () => {
  const line = message(/^ERROR app:child <\d+\.\d+> failed: TypeError: a bug in my code at /)
  expect(await found('crashing')).toEqual([line, message(/^WARN app:team: child child /)])
})

it('adds entries while it runs, and is not blocked by a process that never replies', async () => {
  expect(await found('silent')).toMatchObject({ call: { kind: 'Timeout', message: message(/did not reply/) } })
})
