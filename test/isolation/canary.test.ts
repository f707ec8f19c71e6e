/**
 * Marks in the memory, the environment, the frames, the arguments and the files of honest code: hostile code finds only
 * the one that is meant for it.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { funcs, processes, security } from 'troupe'
import { startApp, type TestApp } from 'troupe/test'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../../packages/troupe/src/testing/hostile')
const canSeal = process.allowedNodeEnvironmentFlags.has('--allow-net')
const hosts: Readonly<Record<string, object>> = {
  guarded: { spares: 0 },
  listed: { spares: 0, env: ['TZ'] },
  ...(canSeal && { sealed: { network: 'sealed', spares: 0 }, process: { isolation: 'process', spares: 0 } }),
}
/**
 * What is documented as readable in a guarded thread (`docs/threat-model.md`): environment and files are those of the
 * program.
 */
const open: Readonly<Record<string, readonly string[]>> = {
  guarded: ['canary-of-files', 'canary-of-variables', 'canary-of-control'],
  listed: ['canary-of-files', 'canary-of-control'],
  sealed: ['canary-of-files', 'canary-of-control'],
  process: ['canary-of-control'],
  pool: ['canary-of-control'],
}
/** Where hostile code runs: in hosts, and in a sealed pool. */
const places = [...Object.keys(hosts), ...(canSeal ? ['pool'] : [])]
const variable = 'TROUPE_TEST_CANARY'
const lifecycle = { auto_start: true }
let stack = new AsyncDisposableStack()
let app: TestApp
let folder = ''

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  folder = await mkdtemp(join(tmpdir(), 'troupe-canary-'))
  stack.defer(async () => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'secret'), 'canary-of-files')
  process.env[variable] = 'canary-of-variables'
  stack.defer(() => void Reflect.deleteProperty(process.env, variable))
  const program = (method: string) => ({ id: `app:${method}`, kind: 'process.ts', source: 'file://search.ts', method })
  app = await startApp({
    root,
    entries: [
      ...Object.entries(hosts).map(([name, host]) => ({ id: `app:${name}`, kind: 'process.host', host, lifecycle })),
      { id: 'app:keepers', kind: 'process.host', host: { spares: 0 }, lifecycle },
      { id: 'app:nothing', kind: 'security.policy', effect: 'deny', actions: '*', resources: '*' },
      {
        id: 'app:proxy',
        kind: 'network.socks5',
        host: '127.0.0.1',
        port: 9,
        username: 'u',
        password: 'canary-of-passwords',
      },
      { id: 'app:os', kind: 'env.storage.os' },
      { id: 'app:secret', kind: 'env.variable', storage: 'app:os', variable },
      program('search'),
      program('keeper'),
      ...(canSeal ? [{ ...program('search'), id: 'app:pool', kind: 'function.ts', pool: { sealed: true } }] : []),
    ],
  })
  stack.defer(async () => app.stop())
})
afterEach(async () => stack.disposeAsync())

type Found = Readonly<Record<string, readonly string[]>>

function foundBy(value: unknown): Found
function foundBy(value: unknown): unknown {
  return value
}

describe.each(places)('in a host or pool: %s', (place) => {
  it('a mark is found where it was sent, and nowhere else', async () => {
    const found = await app.app.run(async () => {
      const alice = security.newActor('canary-of-actors', { key: 'canary-of-metas' })
      const given = processes
        .withContext({ tenant: 'canary-of-values' })
        .withActor(alice)
        .withScope(security.newScope([]))
      const keeper = await given
        .withOptions({ network: 'app:proxy' })
        .withName('keeper')
        .spawn('app:keeper', 'app:keepers', 'canary-of-arguments')
      const [actor, scope] = [security.newActor('mallory'), security.newScope(['app:nothing'])]
      const around = {
        folder,
        pids: [keeper, '<0.0>'],
        names: [variable, 'app:secret', 'keeper'],
        planted: { deep: ['canary-of-control'] },
      }
      return foundBy(
        await (place === 'pool'
          ? funcs.withActor(actor).withScope(scope).call('app:pool', around)
          : processes.withActor(actor).withScope(scope).exec('app:search', `app:${place}`, around)),
      )
    })
    const marks = new Set(Object.values(found).flat())
    // The positive control: the search finds marks that exist.
    expect(marks).toContain('canary-of-control')
    const beyond = Object.entries(found).map(([place, seen]) => ({
      place,
      marks: seen.filter((mark) => open[place]?.includes(mark) === false),
    }))
    expect(beyond.filter(({ marks: more }) => more.length > 0)).toEqual([])
  })
})
