/** microsocks: a small SOCKS5 proxy, without a login or with one. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Daemon } from './daemon.ts'
import { programs } from './install.ts'
import type { Login, ProxyPeer } from './peers.ts'
import { listens } from './socks-probe.ts'

const port = 1080

export async function startMicrosocks(
  folder: string,
  host: string,
  login?: Login,
): Promise<{ daemon: Daemon; peer: ProxyPeer }> {
  const name = login ? 'microsocks-login' : 'microsocks'
  const credentials = login ? ['-u', login.username, '-P', login.password] : []
  const args = ['-i', host, '-p', String(port), ...credentials]
  const daemon = new Daemon({ name, program: programs.microsocks.path, args, log: join(folder, `${name}.log`) })
  await daemon.until(async () => listens(host, port))
  return { daemon, peer: { name, host, port, log: daemon.log, ...(login && { login }) } }
}

/** Targets that microsocks connected to, as requested: `name:port` or `address:port`. */
export async function microsocksRequests(log: string): Promise<readonly string[]> {
  const lines = (await readFile(log, 'utf8')).matchAll(/ connected to (\S+)$/gm)
  return Array.from(lines, ([, target]) => target ?? '')
}
