/** The networks of supervised processes, and the messages that they accept. */
import { isPid, threadOf } from '@troupe/core'
import { describe, expect, it } from 'vitest'
import { processes } from '../api/processes.ts'
import { type Entries, startApplication, type TestApplication } from './testing/application.ts'

const host = 'app:host'
const proxy = { kind: 'network.socks5', host: '127.0.0.1', port: 9 }
const overlays: Entries = { one: proxy, two: proxy }
const auto = { lifecycle: { auto_start: true, restart: { initial_delay: '1ms', jitter: 0 } } }
const team = { kind: 'process.supervisor', host: 'host', max_restarts: 10, ...auto }

const within = (network: string | null) => processes.withOptions({ network })
const ask = async (network: string | null, to: string) => within(network).exec('app:ask', host, to, 'hello')
const refused = { kind: 'PermissionDenied', details: { code: 'ENETWORK' } }

/** The network of the process that currently has a name: of its frame, and of its thread. */
async function networkOf({ kernel }: TestApplication, name: string): Promise<readonly unknown[]> {
  const pid = await processes.names.lookup(name)
  if (pid === undefined || !isPid(pid)) throw new Error(`no process has the name ${name}`)
  return [kernel.processes.get(pid)?.frame.overlay ?? null, kernel.threads.get(threadOf(pid))?.network?.overlay]
}

async function fail(name: string): Promise<void> {
  const before = await processes.names.lookup(name)
  await processes.send(name, 'fail', 'oops')
  for (;;) {
    const now = await processes.names.lookup(name)
    if (now !== undefined && now !== before) return
    await new Promise(setImmediate)
  }
}

describe('a child that is added at run time', () => {
  it('has the network of its caller, and keeps it when it restarts', async () => {
    await using app = await startApplication({ ...overlays, team })
    const child = (id: string) => ({ id, process: 'app:child' })
    await within('app:one').exec('app:adder', host, 'app:team', child('a'))
    await processes.supervisors.startChild('app:team', child('b'))
    for (const [name, network] of [
      ['app:team/a', 'app:one'],
      ['app:team/b', null],
    ] as const) {
      expect(await networkOf(app, name)).toEqual([network, network])
      await fail(name)
      expect(await networkOf(app, name)).toEqual([network, network])
    }
    expect(await ask('app:one', 'app:team/a')).toMatchObject({ args: [] })
    await expect(ask('app:two', 'app:team/a')).rejects.toMatchObject(refused)
  })

  it('runs in the network that its entry is pinned to, for any caller', async () => {
    const pinned = { kind: 'process.ts', source: 'file://programs/child.ts' }
    await using app = await startApplication({ ...overlays, team, pinned }, { pinned: 'app:two' })
    await within('app:one').exec('app:adder', host, 'app:team', { id: 'p', process: 'app:pinned' })
    expect(await networkOf(app, 'app:team/p')).toEqual(['app:two', 'app:two'])
  })

  it('brings the children of a supervisor', async () => {
    const inner = { kind: 'process.supervisor', host: 'host', children: [{ id: 'x', process: 'child' }] }
    // Listed as a child by another one, so that it does not run by itself.
    const idle = { ...team, children: [{ id: 'never', process: 'inner' }], lifecycle: {} }
    await using app = await startApplication({ ...overlays, team, inner, idle })
    await within('app:one').exec('app:adder', host, 'app:team', { id: 'sub', process: 'app:inner' })
    expect(await networkOf(app, 'app:team/sub/x')).toEqual(['app:one', 'app:one'])
    await fail('app:team/sub/x')
    expect(await networkOf(app, 'app:team/sub/x')).toEqual(['app:one', 'app:one'])
  })
})

describe('accepts', () => {
  const service = { kind: 'process.service', process: 'child', host: 'host', ...auto }

  it('on a service, a child or an entry lets messages of those overlays in, also after a restart', async () => {
    const open = { kind: 'process.ts', source: 'file://programs/child.ts', accepts: 'any' }
    await using _ = await startApplication({
      ...overlays,
      open,
      some: { ...service, accepts: ['app:one'] },
      all: { ...service, accepts: 'any' },
      none: service,
      entry: { ...service, process: 'open' },
      narrowed: { ...service, process: 'open', accepts: [] },
      team: { ...team, children: [{ id: 'a', process: 'child', accepts: ['app:one'] }] },
    })
    const accepted = async (name: string) =>
      Promise.all(
        ['app:one', 'app:two'].map(async (network) =>
          ask(network, name).then(
            () => true,
            () => false,
          ),
        ),
      )
    for (let round = 1; round <= 2; round += 1) {
      expect(await accepted('app:some')).toEqual([true, false])
      expect(await accepted('app:all')).toEqual([true, true])
      expect(await accepted('app:none')).toEqual([false, false])
      expect(await accepted('app:entry')).toEqual([true, true])
      expect(await accepted('app:narrowed')).toEqual([false, false])
      expect(await accepted('app:team/a')).toEqual([true, false])
      for (const name of ['app:some', 'app:team/a']) await fail(name)
    }
    await expect(ask('app:two', 'app:some')).rejects.toMatchObject({
      ...refused,
      message: expect.stringMatching(/the clear network.*overlay app:two.*accepts: \[app:two\]/) as unknown,
    })
  })
})
