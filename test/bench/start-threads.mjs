/** Starts threads of an installed application, and bare workers, in turn. Prints times in milliseconds, as JSON. */
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { processes } from 'troupe'
import { boot } from 'troupe/app'

const [root = '', rounds = '1'] = process.argv.slice(2)
mkdirSync(join(root, 'src'), { recursive: true })
writeFileSync(join(root, 'package.json'), '{ "type": "module" }')
writeFileSync(
  join(root, 'src/stamp.ts'),
  'export const main = (): number => performance.timeOrigin + performance.now()\n',
)
/** Sealed threads need Node's permission for the network. */
const canSeal = process.allowedNodeEnvironmentFlags.has('--allow-net')
const hosts = { cold: {}, ...(canSeal && { sealed: { network: 'sealed' } }), warm: { spares: 1 } }
const lifecycle = { auto_start: true }
const entries = [
  { name: 'stamp', kind: 'process.ts', source: 'file://stamp.ts', method: 'main' },
  ...Object.entries(hosts).map(([name, host]) => ({
    name,
    kind: 'process.host',
    host: { spares: 0, ...host },
    lifecycle,
  })),
]
writeFileSync(join(root, 'src/_index.yaml'), JSON.stringify({ version: '1.0', namespace: 'app', entries }))
const bareFile = join(root, 'bare.ts')
writeFileSync(
  bareFile,
  "import { parentPort } from 'node:worker_threads'\n" +
    'const at: number = performance.timeOrigin + performance.now()\nparentPort?.postMessage(at)\n',
)
const env = { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'troupe-bench-cache') }
const now = () => performance.timeOrigin + performance.now()

async function bare() {
  const start = now()
  const worker = new Worker(bareFile, { env })
  const at = Number((await once(worker, 'message'))[0])
  await worker.terminate()
  return at - start
}

async function spawned(host) {
  const start = now()
  return (await processes.exec('app:stamp', `app:${host}`)) - start
}

const app = await boot({ root, onLog: () => undefined })
const rows = new Map([...Object.keys(hosts), 'bare'].map((name) => [name, [0]]))
for (let round = 0; round <= Number(rounds); round += 1) {
  // A spare is ready again after that.
  await new Promise((resolve) => setTimeout(resolve, 400))
  const warm = await spawned('warm')
  await new Promise((resolve) => setTimeout(resolve, 400))
  const taken = {
    bare: await bare(),
    cold: await spawned('cold'),
    ...(canSeal && { sealed: await spawned('sealed') }),
    warm,
  }
  // The first round fills caches.
  if (round > 0) for (const [name, time] of Object.entries(taken)) rows.get(name)?.push(time)
}
await app.stop()
process.stdout.write(JSON.stringify(Object.fromEntries(Array.from(rows, ([name, times]) => [name, times.slice(1)]))))
