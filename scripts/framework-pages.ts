/**
 * Follows `docs/how-to/next-and-nest.md` in empty folders, with the packed packages: the applications build, run and
 * stop.
 * `npm run pack:all` comes first.
 */
import { execFile } from 'node:child_process'
import { appendFileSync, globSync, mkdirSync, mkdtempDisposableSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { LoginProxy } from './login-proxy.ts'
import { packedIn, Reader } from './page-reader.ts'
import { partsOf, type Step } from './page-steps.ts'

const page = resolve(import.meta.dirname, '../docs/how-to/next-and-nest.md')
/** The oldest Node that Troupe runs on. */
const oldNode = 'node@24.21.0'
const env = { NEXT_TELEMETRY_DISABLED: '1' }

const [next, nest] = partsOf(readFileSync(page, 'utf8'))
if (!next || !nest) throw new Error(`${page} has not its two parts`)
const packed = packedIn(resolve(import.meta.dirname, '../.cache/tarballs'))
using empty = mkdtempDisposableSync(join(tmpdir(), 'troupe-frameworks-'))
// Traffic stays on loopback: a proxy stands for Tor, and a site for the Internet.
await using proxy = await LoginProxy.start()
const service = `quotes.test:${proxy.webPort}`
await Promise.all([followNext(localSteps(next.steps)), followNest(localSteps(nest.steps))])
const asked = [...proxy.targets.values()].flat().filter((target) => target === service)
if (asked.length < 4) throw new Error(`the proxy was asked for ${JSON.stringify([...proxy.targets])}`)

function localSteps(steps: readonly Step[]): readonly Step[] {
  return steps.map((step) => ('command' in step ? { ...step, command: localCommand(step.command) } : step))
}

function localCommand(command: string): string {
  return command
    .replace(/(PORT=|--port )3000/, (_, name: string) => `${name}0`)
    .replace('127.0.0.1:9050', `127.0.0.1:${proxy.port}`)
    .replace('https://example.org/', `http://${service}/a`)
}

/** Builds and serves the application, serves it with Node 24, and serves its sources while they change. */
async function followNext(steps: readonly Step[]): Promise<void> {
  const folder = emptyFolder('next')
  await followAndQuote(new Reader(folder, packed, env), steps)
  const site = join(folder, 'site')
  assertTraced(site)
  const served = steps.slice(steps.findIndex((step) => 'command' in step && step.command.includes('next start')))
  const argv = ['--yes', `--package=${oldNode}`, '--', 'node', '-p', 'process.execPath']
  const { stdout } = await promisify(execFile)('npx', argv, { cwd: folder })
  const PATH = `${dirname(stdout.trim())}:${process.env['PATH'] ?? ''}`
  await followAndQuote(new Reader(site, packed, { ...env, PATH }), served)
  const inDev = served.map((step) =>
    'command' in step ? { ...step, command: step.command.replace('next start', 'next dev') } : step,
  )
  await followAndQuote(new Reader(site, packed, env), inDev, async (reader) => assertReloaded(site, reader))
}

async function followNest(steps: readonly Step[]): Promise<void> {
  const reader = new Reader(emptyFolder('nest'), packed, env)
  await followAndQuote(reader, steps)
  if (!reader.log.includes('"entry":"app:proxy","msg":"Stopped"'))
    throw new Error(`SIGTERM does not stop the application:\n${reader.log}`)
}

function emptyFolder(name: string): string {
  const folder = join(empty.path, name)
  mkdirSync(folder)
  return folder
}

/** The last step gets the route that uses the proxy. Then the program is ended. */
async function followAndQuote(
  reader: Reader,
  steps: readonly Step[],
  more?: (reader: Reader) => Promise<void>,
): Promise<void> {
  await using _ = reader
  await reader.follow(steps)
  if (!reader.said.includes('<a href="/">back</a>')) throw new Error(`/quote said: ${reader.said}`)
  await more?.(reader)
}

/** The folder of `output: 'standalone'` has these files: what the route needs, and what Troupe loads by its path. */
function assertTraced(site: string): void {
  const list = join(site, '.next/server/app/sum/route.js.nft.json')
  const text = readFileSync(list, 'utf8')
  const runtime = globSync('node_modules/@troupe/runtime/dist/*.js', { cwd: site })
  const needed = ['jobs/jobs.ts', 'node_modules/piscina/package.json', ...runtime]
  const missing = needed.filter((file) => !text.includes(`/${file}"`))
  if (missing.length > 0) throw new Error(`Next does not trace ${missing.join(', ')}`)
}

/** New code of the route and of the module with the application starts no second application. */
async function assertReloaded(site: string, reader: Reader): Promise<void> {
  appendFileSync(join(site, 'lib/troupe.ts'), 'export const changed = 1\n')
  appendFileSync(join(site, 'app/sum/route.ts'), `export const HEAD = () => new Response(null, { status: 299 })\n`)
  const url = `http://127.0.0.1:${reader.port}/sum`
  while ((await fetch(url, { method: 'HEAD' })).status !== 299) await sleep(100)
  await reader.follow([{ command: `curl ${url}?limit=4`, output: '10' }])
  const starts = reader.log.match(/"entry":"app:proxy","msg":"Starting"/g) ?? []
  if (starts.length !== 1) throw new Error(`${starts.length} applications were started:\n${reader.log}`)
}
