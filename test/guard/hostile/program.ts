/**
 * Runs in a namespace: all attempts, by processes or functions in an overlay's frame, under policies that allow no
 * other overlay. Its arguments are the kind of host, or "pool" for functions of sealed pools, and a folder. Prints the
 * outcome of each attempt, what was seen of it, and whether the program's inspector listens at the end.
 */
import { createRequire } from 'node:module'
import inspector from 'node:inspector'
import { funcs, processes, security } from 'troupe'
import { startApp } from 'troupe/test'
import { proxyAddress, proxyPort } from '../namespace.ts'
import { Trap } from './traps.ts'

/** A module without types. */
const source = './attacks.js'
/** The number of processes among which the compatible attempts are divided. */
const processCount = 10
/** Sealed pools, one for each batch: no attempt finds a process that an earlier one has spoiled. */
const poolCount = 24
/** The entries in which the attempts are made. */
const hosts: Readonly<Record<string, object>> = {
  guarded: { network: 'guarded' },
  sealed: { network: 'sealed' },
  process: { isolation: 'process' },
}
/** Milliseconds. */
const settling = 1000
const [mode = 'guarded', folder = '/tmp'] = process.argv.slice(2)
// Native code that is already loaded in the process.
createRequire(import.meta.url)('@napi-rs/nice')

const lifecycle = { auto_start: true }
const proxy = { kind: 'network.socks5', host: proxyAddress, port: proxyPort }
await using app = await startApp({
  root: import.meta.dirname,
  entries: [
    { id: 'app:threads', kind: 'process.host', host: { ...hosts[mode], spares: 0, preload: ['hostile'] }, lifecycle },
    { id: 'app:open', kind: 'process.host', host: { spares: 0 }, lifecycle },
    { id: 'app:proxy', ...proxy },
    { id: 'app:other', ...proxy },
    { id: 'app:hostile', kind: 'process.ts', source: 'file://attacks.js', method: 'run' },
    ...pools(mode === 'pool' ? poolCount : 0),
    {
      id: 'app:lives',
      kind: 'security.policy',
      effect: 'allow',
      actions: ['process.spawn', 'process.send', 'funcs.call', 'http_client.*'],
      resources: '*',
    },
    { id: 'app:stays', kind: 'security.policy', effect: 'deny', actions: ['network.select'], resources: '*' },
  ],
})

const module: unknown = await import(source)
const all = names(module, 'attacks')
const alone: ReadonlySet<unknown> = new Set(names(module, 'alone', Object.values))
const byDescriptor: ReadonlySet<string> = new Set(names(module, 'byDescriptor'))
const together = all.filter((name) => !alone.has(name) && !byDescriptor.has(name))
const batches = Array.from({ length: processCount }, (_, at) =>
  together.filter((_, index) => index % processCount === at),
)
for (const name of all) if (alone.has(name)) batches.push([name])
/** A thread that took descriptors of others closes them when it ends: nothing is opened in this process after that. */
const last = all.filter((name) => !alone.has(name) && byDescriptor.has(name))
const ended: Record<string, unknown> = {}
const traps = new Map<string, Trap>()
let used = 0

await app.app.run(async () => {
  const scope = security.newScope(['app:lives', 'app:stays'])
  const options = { network: 'app:proxy' }
  const mallory = security.newActor('mallory')
  const hostile = processes.withOptions(options).withActor(mallory).withScope(scope)
  const functions = funcs.withOptions(options).withActor(mallory).withScope(scope)
  const attack = async (attempts: readonly unknown[]) => {
    if (mode !== 'pool') return hostile.exec('app:hostile', 'app:threads', attempts)
    used += 1
    return functions.call(`app:pool_${used}`, attempts)
  }
  const queue = batches.values()
  const attempt = async (batch: readonly string[]) => {
    for (const name of batch) traps.set(name, await Trap.set(folder, all.indexOf(name), byDescriptor.has(name)))
    const attempts = batch.map((name) => [name, traps.get(name)?.place])
    Object.assign(ended, await attack(attempts).catch(() => ({})))
  }
  const inTurn = async () => {
    for (const batch of queue) await attempt(batch)
  }
  await Promise.all([inTurn(), inTurn()])
  await attempt(last)
})
// Connections that they started may not have arrived yet.
await new Promise((resolve) => setTimeout(resolve, settling))
const seen = Object.fromEntries(Array.from(traps, ([name, trap]): [string, unknown] => [name, [...new Set(trap.seen)]]))
const printed: unknown = { ended, seen, inspected: inspector.url() !== undefined }
process.stdout.write(JSON.stringify(printed), () => process.exit())

function pools(count: number) {
  return Array.from({ length: count }, (_, at) => ({
    id: `app:pool_${at + 1}`,
    kind: 'function.ts',
    source: 'file://attacks.js',
    method: 'run',
    pool: { sealed: true, max: 1, idle_timeout: '1s' },
  }))
}

function names(
  module: unknown,
  group: string,
  list: (of: object) => readonly string[] = Object.keys,
): readonly string[] {
  const found: unknown = typeof module === 'object' && module !== null ? Reflect.get(module, group) : undefined
  return typeof found === 'object' && found !== null ? list(found) : []
}
