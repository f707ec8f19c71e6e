/**
 * Runs each way of a Node program under `troupe exec`, torsocks, proxychains4 and Node's own NODE_USE_ENV_PROXY, in a
 * namespace with packet counters, and prints what each of them does: `npm run compare:exec`, as root.
 */
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Counters, type Namespace, proxyAddress, proxyPort } from '../guard/namespace.ts'
import { installPeers, wrappers } from '../peers/install.ts'
import { startFarSide } from './far-side.ts'
import { ways } from './ways.ts'

const { values } = parseArgs({ options: { way: { type: 'string', multiple: true } } })
const program = join(import.meta.dirname, 'programs/ways-program.ts')
const troupe = resolve(import.meta.dirname, '../../packages/cli/src/troupe.ts')
const proxy = `socks5://${proxyAddress}:${proxyPort}`
await using stack = new AsyncDisposableStack()
await installPeers(wrappers)
const { namespace, folder } = await startFarSide(stack)

/** A wrapper script: the namespace runs Node programs only. */
function wrapped(name: string, argv: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  const file = join(folder, `${name}.mjs`)
  writeFileSync(
    file,
    `import { spawnSync } from 'node:child_process'
    const [file, ...args] = [...${JSON.stringify(argv)}, ...process.argv.slice(2)]
    const env = { ...process.env, PATIENCE: '8000', ...${JSON.stringify(env)} }
    const { stdout } = spawnSync(file, args, { env, stdio: ['ignore', 'pipe', 'ignore'], timeout: 60_000 })
    process.stdout.write(stdout)`,
  )
  return file
}

const torsocks = join(folder, 'torsocks.conf')
writeFileSync(torsocks, `TorAddress ${proxyAddress}\nTorPort ${proxyPort}\nAllowOutboundLocalhost 1\n`)
const chains = join(folder, 'proxychains.conf')
writeFileSync(chains, `strict_chain\nquiet_mode\nproxy_dns\n[ProxyList]\nsocks5 ${proxyAddress} ${proxyPort}\n`)
const { execPath } = process
const tools = {
  'troupe exec': wrapped('troupe', [execPath, troupe, 'exec', '--network', proxy, '--', execPath, program]),
  torsocks: wrapped('torsocks', [wrappers.torsocks.path, execPath, program], { TORSOCKS_CONF_FILE: torsocks }),
  proxychains4: wrapped('proxychains', [wrappers.proxychains.path, '-f', chains, execPath, program]),
  NODE_USE_ENV_PROXY: wrapped('env', [execPath, program], {
    NODE_USE_ENV_PROXY: '1',
    HTTP_PROXY: proxy,
    HTTPS_PROXY: proxy,
  }),
}

/** The packets that are no packets to the proxy. */
const straysOf = ({ dns, tcp, udp, other }: Counters) => dns + tcp + udp + other

async function cell(namespace: Namespace, script: string, way: string): Promise<string> {
  const before = straysOf(await namespace.counters())
  const printed = await namespace.run(script, way)
  const strays = straysOf(await namespace.counters()) - before
  const outcome: unknown = /^\{.*\}$/s.test(printed) ? Reflect.get(Object(JSON.parse(printed)), way) : 'does not start'
  const [reason = ''] = String(outcome).split(/[\n:]/)
  const words = outcome === 'done' ? 'works' : outcome === 'EOVERLAY' ? 'refused' : `fails (${reason})`
  return strays === 0 ? words : `**${strays} stray**, ${words}`
}

const names = Object.keys(ways).filter((way) => values.way === undefined || values.way.includes(way))
console.log(`Node ${process.version}, ${new Date().toISOString().slice(0, 10)}\n`)
console.log(`| way | ${Object.keys(tools).join(' | ')} |\n|${' --- |'.repeat(Object.keys(tools).length + 1)}`)
for (const way of names) {
  const cells: string[] = []
  for (const script of Object.values(tools)) cells.push(await cell(namespace, script, way))
  console.log(`| ${way} | ${cells.join(' | ')} |`)
}
