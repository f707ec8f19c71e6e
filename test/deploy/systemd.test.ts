/** The reports of an application to systemd, and its unit. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { AppFolder, Program } from '../cli/app-folder.ts'
import { installPeers, serviceManagers } from '../peers/install.ts'

const run = promisify(execFile)
const files = {
  'package.json': '{ "type": "module" }',
  'src/_index.yaml': `
namespace: app
entries:
  - { name: workers, kind: process.host, host: { isolation: shared, workers: 1 }, lifecycle: { auto_start: true } }
  - { name: reads, kind: process.ts, source: "file://work.ts", method: reads }
  - { name: fails, kind: process.ts, source: "file://work.ts", method: fails }
  - { name: reader, kind: process.service, process: app:reads, host: app:workers, lifecycle: { auto_start: true } }
  - name: failing
    kind: process.service
    process: app:fails
    host: app:workers
    lifecycle: { restart: { initial_delay: 1h, max_delay: 1h } }
`,
  'src/work.ts': `
import { log, self } from 'troupe'
export async function reads() {
  log.info({ variables: Object.keys(process.env).filter((name) => /NOTIFY|WATCHDOG/.test(name)) }, 'reads')
  for await (const message of self.inbox) message.reply(1)
}
export function fails() { throw new Error('on purpose') }
`,
}

/** Prints each message. systemd-notify waits until the descriptor that comes with the last one is closed. */
const receive = `
import os, socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
print('bound', flush=True)
while True:
    message, descriptors, _, _ = socket.recv_fds(receiver, 4096, 4)
    for descriptor in descriptors: os.close(descriptor)
    print(message.decode(), flush=True)
`

/** Receives what systemd would receive. */
class Receiver implements Disposable {
  readonly socket = join(mkdtempSync(join(tmpdir(), 'notify-')), 'socket')
  readonly program: Program

  constructor() {
    this.program = new Program(serviceManagers.python.path, ['-c', receive, this.socket], tmpdir())
  }

  [Symbol.dispose](): void {
    this.program[Symbol.dispose]()
    rmSync(join(this.socket, '..'), { recursive: true, force: true })
  }
}

beforeAll(async () => installPeers(serviceManagers))

describe('systemd', () => {
  it('learns that the application is ready, that it works unless a service has failed, and that it stops', async () => {
    using folder = new AppFolder(files)
    using receiver = new Receiver()
    await receiver.program.says('bound')
    const env = { ...process.env, NOTIFY_SOCKET: receiver.socket, WATCHDOG_USEC: '200000' }
    using program = new Program(process.execPath, [folder.programPath, 'run'], folder.path, env)
    await receiver.program.says('READY=1')
    await receiver.program.says('WATCHDOG=1')
    await program.says('"variables":[]')
    const count = () => receiver.program.all.split('WATCHDOG=1').length
    await folder.troupe('start', 'app:failing')
    await expect.poll(async () => stateOf(folder, 'app:failing')).toBe('Failed')
    // One that was sent before may still arrive; none is sent from here on.
    let before = -1
    await expect
      .poll(async () => {
        const last = before
        await folder.troupe('pools')
        before = count()
        return before === last
      })
      .toBe(true)
    await folder.troupe('stop', 'app:failing')
    await expect.poll(count).toBeGreaterThan(before)
    program.kill('SIGTERM')
    expect((await program.ended).status).toBe(0)
    await receiver.program.says('STOPPING=1')
    expect(receiver.program.all.startsWith('bound\nREADY=1\n')).toBe(true)
  })

  it('learns when saved changes are applied by --watch', async () => {
    using folder = new AppFolder(files)
    using receiver = new Receiver()
    await receiver.program.says('bound')
    const env = { ...process.env, NOTIFY_SOCKET: receiver.socket }
    using program = new Program(process.execPath, [folder.programPath, 'run', '--watch'], folder.path, env)
    await program.says('troupe: watching')
    const path = join(folder.path, 'src/_index.yaml')
    const text = readFileSync(path, 'utf8')
    writeFileSync(path, `${text}  - { name: more, kind: process.ts, source: "file://work.ts", method: fails }\n`)
    await program.says('troupe: create app:more')
    await expect.poll(() => receiver.program.all).toMatch(/RELOADING=1\nMONOTONIC_USEC=\d+\n+(?:BARRIER=1\n)?READY=1/)
    // A mistake in the files is no reload.
    writeFileSync(path, text.replace('workers: 1', 'workers: none'))
    await program.says('troupe: changes not applied')
    program.kill('SIGTERM')
    expect((await program.ended).status).toBe(0)
    await receiver.program.says('STOPPING=1')
    expect(receiver.program.all.split('READY=1')).toHaveLength(3)
  })

  it('learns when a reload begins and ends, and that the changed entries apply then', async () => {
    using folder = new AppFolder(files)
    using receiver = new Receiver()
    await receiver.program.says('bound')
    const env = { ...process.env, NOTIFY_SOCKET: receiver.socket }
    using program = new Program(process.execPath, [folder.programPath, 'run'], folder.path, env)
    await receiver.program.says('READY=1')
    const path = join(folder.path, 'src/_index.yaml')
    const text = readFileSync(path, 'utf8')
    writeFileSync(path, `${text}  - { name: more, kind: process.ts, source: "file://work.ts", method: fails }\n`)
    const before = process.hrtime.bigint() / 1000n
    program.kill('SIGHUP')
    await program.says('troupe: reloaded: create app:more')
    await receiver.program.says('RELOADING=1')
    const time = BigInt(receiver.program.match(/RELOADING=1\nMONOTONIC_USEC=(\d+)\n/))
    expect(time).toBeGreaterThan(before)
    expect(time).toBeLessThan(process.hrtime.bigint() / 1000n)
    await expect.poll(() => receiver.program.all).toMatch(/RELOADING=1\nMONOTONIC_USEC=\d+\n+(?:BARRIER=1\n)?READY=1/)
    // A mistake in the files changes nothing, and systemd does not wait for ever.
    writeFileSync(path, text.replace('workers: 1', 'workers: none'))
    program.kill('SIGHUP')
    await program.says('troupe: not reloaded; the application continues unchanged')
    await expect.poll(() => receiver.program.all.split('READY=1')).toHaveLength(4)
    program.kill('SIGTERM')
    expect((await program.ended).status).toBe(0)
    await receiver.program.says('STOPPING=1')
  })

  it('accepts the unit, and finds little in it that is exposed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'unit-'))
    try {
      const unit = resolve(import.meta.dirname, '../../examples/deploy/systemd/board.service')
      const text = readFileSync(unit, 'utf8').replace(
        'ExecStart=/srv/board/node_modules/.bin/troupe',
        `ExecStart=${process.execPath}`,
      )
      const copy = join(folder, 'board.service')
      writeFileSync(copy, text)
      const { stdout, stderr } = await run(serviceManagers.analyze.path, ['verify', '--man=no', copy])
      expect(`${stdout}${stderr}`).not.toContain('board.service')
      // Fails where the exposure, in tenths, is larger.
      await run(serviceManagers.analyze.path, ['security', '--offline=true', '--threshold=40', '--no-pager', copy])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

async function stateOf(folder: AppFolder, service: string): Promise<string | undefined> {
  const { services } = servicesOf((await folder.troupe('pools')).out)
  return services.find(({ id }) => id === service)?.state
}

interface Services {
  readonly services: readonly { readonly id: string; readonly state: string }[]
}

function servicesOf(out: string): Services
function servicesOf(out: string): unknown {
  const value: unknown = JSON.parse(out)
  return value
}
