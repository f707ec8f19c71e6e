/** Proxies that no distribution packages: one in Go, built here, and one in Python. Both are kept in `.cache/peers`. */
import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Daemon } from './daemon.ts'
import { installPeers, type Programs } from './install.ts'
import type { Login, ProxyPeer } from './peers.ts'
import { listens } from './socks-probe.ts'

const run = promisify(execFile)
/** The folder for built and fetched files. */
export const cache = join(import.meta.dirname, '../../.cache/peers')
const port = 1080
/** The address of the Go proxy, once it was started. */
export const goSocksProgram = join(cache, 'go-socks5')
const pythonPackage = 'asyncio-socks-server==0.3.0'

/** Path of Go, which is installed where it is missing. */
export async function goProgram(): Promise<string> {
  return pathOf('go', { go: { path: '/usr/bin/go', package: 'golang-go' } })
}

/** github.com/armon/go-socks5, which most Go programs embed. */
export async function startGoSocks(
  folder: string,
  host: string,
  login?: Login,
): Promise<{ daemon: Daemon; peer: ProxyPeer }> {
  await mkdir(cache, { recursive: true })
  await run(await goProgram(), ['build', '-o', goSocksProgram, '.'], { cwd: join(import.meta.dirname, 'go-socks5') })
  return start(
    {
      name: login ? 'go-socks5-login' : 'go-socks5',
      program: goSocksProgram,
      args: [`${host}:${port}`, ...(login ? [login.username, login.password] : [])],
    },
    folder,
    host,
    login,
  )
}

/** asyncio-socks-server, in Python. */
export async function startPythonSocks(folder: string, host: string): Promise<{ daemon: Daemon; peer: ProxyPeer }> {
  const python = await pathOf('python3', { pip: { path: '/usr/bin/pip3', package: 'python3-pip' } })
  const library = join(cache, 'python')
  const main = join(library, 'asyncio_socks_server', '__main__.py')
  await access(main).catch(async () =>
    run(python, ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', library, pythonPackage]),
  )
  const args = [`PYTHONPATH=${library}`, python, '-m', 'asyncio_socks_server', '-H', host, '-P', String(port)]
  return start({ name: 'python-socks', program: '/usr/bin/env', args }, folder, host)
}

async function start(
  what: { name: string; program: string; args: readonly string[] },
  folder: string,
  host: string,
  login?: Login,
) {
  const daemon = new Daemon({ ...what, log: join(folder, `${what.name}.log`) })
  await daemon.until(async () => listens(host, port))
  return { daemon, peer: { name: what.name, host, port, log: daemon.log, ...(login && { login }) } }
}

/** Path of a program that is on the PATH or in Go's own folder; otherwise it is installed. */
export async function pathOf(name: string, packaged: Programs): Promise<string> {
  const found = await find(name)
  if (found !== undefined) return found
  await installPeers(packaged)
  return name
}

async function find(name: string): Promise<string | undefined> {
  for (const folder of [...(process.env['PATH'] ?? '').split(':'), '/usr/local/go/bin']) {
    const path = join(folder, name)
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isThere) return path
  }
  return undefined
}
