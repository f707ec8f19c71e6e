/** What an operator does to a running application: its registry, log, dead letters and profiles. */
import { readFileSync, statSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { AppFolder, type Program } from './app-folder.ts'

const files = {
  'package.json': '{ "type": "module" }',
  '.troupe.yaml': 'dead_letters: { payload: 4096 }\n',
  'src/_index.yaml': `
namespace: app
entries:
  - name: workers
    kind: process.host
    host: { isolation: shared, workers: 1 }
    lifecycle: { auto_start: true }
  - { name: note, kind: process.ts, source: "file://work.ts", method: drops, meta: { port: 9, password: hunter22 } }
  - { name: drops, kind: process.ts, source: "file://work.ts", method: drops }
  - { name: sends, kind: process.ts, source: "file://work.ts", method: sends }
  - { name: changes, kind: process.ts, source: "file://work.ts", method: changes }
  - name: receiver
    kind: process.service
    process: app:drops
    host: app:workers
    lifecycle: { auto_start: true }
  - name: changer
    kind: process.service
    process: app:changes
    host: app:workers
    lifecycle: { auto_start: true, requires: [receiver] }
`,
  'src/work.ts': `
import { log, processes, registry, self } from 'troupe'

let life = 0

/** Ends with messages untaken the first time; takes them the second time. */
export async function drops() {
  life += 1
  if (life === 1) {
    await self.receive({ topic: 'end' })
    throw new Error('ended on purpose')
  }
  for await (const { topic, payload, frame } of self.inbox)
    log.info({ topic, payload, shop: frame.values.shop }, 'took it')
}

export async function changes() {
  const meta = { port: 10, password: 'hunter33' }
  const entry = { id: 'app:note', kind: 'process.ts', source: 'file://work.ts', method: 'drops', meta }
  await registry.apply([{ op: 'update', entry }])
  log.info('has changed the registry')
  await processes.withContext({ shop: 7 }).exec('app:sends', 'app:workers')
  for (;;) {
    await self.receive({ topic: 'never', timeout: 50 }).catch(() => undefined)
    log.debug('still a line of debug')
  }
}

export async function sends() {
  await processes.send('app:receiver', 'order', { apples: 3 })
  await processes.send('app:receiver', 'end')
}
`,
}

/** Its thread takes one core for as long as it runs. */
const loopingFiles = {
  'package.json': '{ "type": "module" }',
  'src/_index.yaml': `
namespace: app
entries:
  - name: loops
    kind: process.host
    host: { isolation: thread, spares: 0 }
    lifecycle: { auto_start: true }
  - { name: loop, kind: process.ts, source: "file://work.ts", method: loop }
  - { name: looping, kind: process.service, process: app:loop, host: app:loops, lifecycle: { auto_start: true } }
`,
  'src/work.ts': `
import { log } from 'troupe'

/** Its thread never returns to its event loop. */
export function loop() {
  log.info('loops')
  setTimeout(() => { for (;;) Math.random() }, 100)
  return new Promise(() => undefined)
}
`,
}

async function running(folder: AppFolder): Promise<Program> {
  const program = folder.start('run')
  await program.says('troupe: running')
  return program
}

async function document<T>(folder: AppFolder, ...argv: readonly string[]): Promise<T> {
  const { status, out, err } = await folder.troupe(...argv)
  expect({ status, err }).toEqual({ status: 0, err: '' })
  return read(out)
}

function read<T>(out: string): T
function read(out: string): unknown {
  const value: unknown = JSON.parse(out)
  return value
}

interface Letter {
  readonly id: number
  readonly to: string
  readonly name: string
  readonly topic: string
  readonly bytes: number
}

describe('an operator of a running application', () => {
  it('sees the versions of the registry without secrets, and goes back to one', async () => {
    using folder = new AppFolder(files)
    using program = await running(folder)
    await program.says('has changed the registry')
    const versions = await document<readonly { version: number }[]>(folder, 'registry')
    const [first, second] = versions.map(({ version }) => version)
    expect(versions[1]).toMatchObject({ changes: [{ op: 'update', id: 'app:note', kind: 'process.ts' }] })
    const diff = await document(folder, 'registry', 'diff', String(first), String(second))
    const [before, after] = [9, 10].map((port) => ({ meta: { port, password: '[redacted]' } }))
    expect(diff).toMatchObject([{ op: 'update', id: 'app:note', before, after }])
    expect(JSON.stringify(diff)).not.toContain('hunter')
    expect((await folder.troupe('registry', 'rollback', String(first))).status).toBe(0)
    await program.says(`operator: registry-rollback ${first}`)
    expect(await document(folder, 'registry', 'diff', String(first), String((second ?? 0) + 1))).toEqual([])
    const gone = await folder.troupe('registry', 'rollback', '999')
    expect(gone).toMatchObject({ status: 1, out: '' })
    expect(gone.err).toContain('there is no version 999')
    expect((await folder.troupe('registry', 'roll')).status).toBe(2)
  })

  it('changes which lines are logged while it runs, for one entry and for all', async () => {
    using folder = new AppFolder(files)
    using program = await running(folder)
    expect(program.match(/(still a line of debug)/)).toBe('')
    expect((await folder.troupe('log', 'level', 'debug', '--entry', 'app:changes')).err).toBe('')
    await program.says('still a line of debug')
    await program.says('operator: log-level debug app:changes')
    const unknown = await folder.troupe('log', 'level', 'debug', '--entry', 'app:nothing')
    expect(unknown.err).toContain('app:nothing')
    expect((await folder.troupe('log', 'level', 'loud')).status).toBe(2)
    expect((await folder.troupe('log', 'level', 'silent')).err).toBe('')
    await program.says('operator: log-level silent')
  })

  it('sends a message again that no process took, to the process that has the name now', async () => {
    using folder = new AppFolder(files)
    using program = await running(folder)
    await program.says('dead letter from')
    const { last } = await document<{ last: readonly Letter[] }>(folder, 'dead', 'list')
    const letter = last.find(({ topic }) => topic === 'order')
    expect(letter).toMatchObject({ name: 'app:receiver', to: expect.stringMatching(/^<\d+\.\d+>$/) as unknown })
    expect(letter?.bytes).toBeGreaterThan(10)
    expect(JSON.stringify(last)).not.toContain('apples')
    await expect
      .poll(async () => (await folder.troupe('dead', 'replay', String(letter?.id))).err, { timeout: 120_000 })
      .toBe('')
    await program.says('took it')
    expect(program.match(/("?shop"?[=:]\s*7)/)).not.toBe('')
    expect((await folder.troupe('dead', 'replay', String(letter?.id))).err).toContain('there is no dead letter')
    expect((await folder.troupe('dead', 'drop', '999')).status).toBe(1)
  })

  it('profiles a thread that loops, and its heap, into files of its own', async () => {
    using folder = new AppFolder(loopingFiles)
    using program = await running(folder)
    await program.says('loops')
    const threads = await document<readonly { number: number; owner: string }[]>(folder, 'threads')
    const thread = String(threads.find(({ owner }) => owner === 'app:loops')?.number)
    for (const [option, part] of [
      [['--cpu', '300ms'], '"nodes"'],
      [['--heap'], '"snapshot"'],
    ] as const) {
      const { path } = await document<{ path: string }>(folder, 'profile', thread, ...option)
      expect(path.startsWith(folder.path)).toBe(true)
      expect(statSync(path).mode & 0o777).toBe(0o600)
      expect(readFileSync(path, 'utf8')).toContain(part)
    }
    await program.says(`operator: profile-heap ${thread}`)
    expect((await folder.troupe('profile', '0', '--cpu', '50ms')).err).toBe('')
    expect((await folder.troupe('profile', '9999', '--heap')).err).toContain('there is no thread 9999')
    expect((await folder.troupe('profile', thread)).status).toBe(2)
  })
})
