/**
 * `npm run nightly:i2p`: I2P on a network of four routers with the tunnels that routers make by default, which a
 * network of one cannot have. Needs root, for a network namespace. Takes some minutes; ends with 0 when everything
 * held.
 *
 * The routers have addresses that look public, because i2pd accepts no peer in a reserved range, whatever its
 * configuration is.
 */
import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Daemon } from '../peers/daemon.ts'
import { routerConfig, samPort } from '../peers/i2pd.ts'
import { installPeers, namespaces, programs } from '../peers/install.ts'

const run = promisify(execFile)
const routers = [1, 2, 3, 4]
/** The routers that others ask where a destination is. */
const floodfills = new Set([2, 3])
const program = fileURLToPath(new URL('./i2p-network-program.ts', import.meta.url))
const name = `troupe-i2p-${process.pid}`
const { ip } = namespaces
/** Bytes of a destination's keys, then three of its certificate; the last two give the length of the rest. */
const keysLength = 384
const headLength = 387

await using stack = new AsyncDisposableStack()
await installPeers({ ...programs, ...namespaces })
const folder = await mkdtemp(join(tmpdir(), 'troupe-nightly-'))
stack.defer(async () => rm(folder, { recursive: true, force: true }))
await run(ip.path, ['netns', 'add', name])
stack.defer(async () => void (await run(ip.path, ['netns', 'del', name])))
await run(ip.path, ['-n', name, 'link', 'set', 'lo', 'up'])
for (const router of routers) await run(ip.path, ['-n', name, 'address', 'add', `44.0.0.${router}/32`, 'dev', 'lo'])

// Each runs once alone to get an identity; then with the names of the others.
for (const daemon of await Promise.all(routers.map(start))) await daemon[Symbol.asyncDispose]()
for (const router of routers) await introduce(router)
for (const daemon of await Promise.all(routers.map(start))) stack.use(daemon)
const began = performance.now()
console.log('four routers run')
const child = spawn(
  ip.path,
  ['netns', 'exec', name, process.execPath, program, String(samPort), join(folder, 'state')],
  {
    stdio: 'inherit',
  },
)
const [code]: readonly unknown[] = await once(child, 'exit').then((values: readonly unknown[]) => values)
console.log(`${code === 0 ? 'all held' : 'FAILED'}, after ${Math.round((performance.now() - began) / 1000)} s`)
process.exitCode = code === 0 ? 0 : 1

function home(router: number): string {
  return join(folder, String(router))
}

async function start(router: number): Promise<Daemon> {
  const own = home(router)
  const address = `44.0.0.${router}`
  const args = await routerConfig({
    folder: own,
    address,
    sam: router === 1 ? { host: '127.0.0.1', port: samPort } : undefined,
    floodfill: floodfills.has(router),
    exploratory: 1,
  })
  const within = ['netns', 'exec', name, programs.i2pd.path, ...args]
  const daemon = new Daemon({ name: `router ${router}`, program: ip.path, args: within, log: join(own, 'output.log') })
  await daemon.until(async () => identityIn(await readFile(join(own, 'router.info'))))
  return daemon
}

/** The identity of a router. Throws for a file that is not written yet. */
function identityIn(info: Buffer): Buffer {
  const identity = info.subarray(0, headLength + info.readUInt16BE(keysLength + 1))
  if (info.length <= identity.length) throw new RangeError('it is not whole')
  return identity
}

/** Copies a router's description to where the others look for it. */
async function introduce(router: number): Promise<void> {
  const info = await readFile(join(home(router), 'router.info'))
  const hash = createHash('sha256').update(identityIn(info)).digest('base64').replaceAll('+', '-').replaceAll('/', '~')
  for (const other of routers) {
    if (other === router) continue
    const folder = join(home(other), 'netDb', `r${hash.slice(0, 1)}`)
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, `routerInfo-${hash}.dat`), info)
  }
}
