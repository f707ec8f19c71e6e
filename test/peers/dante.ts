/** dante: a SOCKS5 proxy with rules. Its logins are those of system users, so it gets a temporary one. */
import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Daemon } from './daemon.ts'
import { programs } from './install.ts'
import type { Login, ProxyPeer } from './peers.ts'

const port = 1080
/** Targets that its rules forbid. */
export const danteForbidden = '127.255.66.1'

/** dante changes its user, and Linux then clears the signal for its parent's death: a shell keeps it instead. */
export const underShell = '"$0" "$@" & trap "kill $!; wait" TERM; wait'

const run = promisify(execFile)

export async function startDante(
  folder: string,
  host: string,
  login?: Login,
): Promise<{ daemon: Daemon; peer: ProxyPeer }> {
  const name = login ? 'dante-login' : 'dante'
  const config = join(folder, `${name}.conf`)
  await writeFile(config, configuration(host, login ? 'username' : 'none'))
  const args = ['-c', underShell, programs.danted.path, '-f', config, '-N', '1', '-p', join(folder, `${name}.pid`)]
  const daemon = new Daemon({ name, program: '/bin/sh', args, log: join(folder, `${name}.log`) })
  await daemon.printed(/ running/)
  return { daemon, peer: { name, host, port, log: daemon.log, ...(login && { login }) } }
}

/** Addresses and ports that dante connected to, `address:port`; it logs a name only as the address that it resolved. */
export async function danteRequests(log: string): Promise<readonly string[]> {
  const lines = (await readFile(log, 'utf8')).matchAll(/ pass\(\d+\): tcp\/connect \[: .* (\S+)\.(\d+)$/gm)
  return Array.from(lines, ([, host, port]) => `${host}:${port}`)
}

/** A system user that cannot log in, until it is disposed of. */
export async function throwAwayUser(): Promise<Login & AsyncDisposable> {
  const username = `troupe${process.pid}`
  const password = randomBytes(12).toString('hex')
  // A leftover of a killed run that had the same process id.
  await run('userdel', [username]).catch(() => undefined)
  await run('useradd', ['--no-create-home', '--no-user-group', '--shell', '/usr/sbin/nologin', username])
  const chpasswd = spawn(programs.chpasswd.path, { stdio: ['pipe', 'ignore', 'inherit'] })
  chpasswd.stdin.end(`${username}:${password}\n`)
  await once(chpasswd, 'exit')
  if (chpasswd.exitCode !== 0) throw new Error(`chpasswd ended with ${chpasswd.exitCode}`)
  return {
    username,
    password,
    async [Symbol.asyncDispose]() {
      await run('userdel', [username])
    },
  }
}

function configuration(host: string, method: string): string {
  return `logoutput: stdout
internal: ${host} port = ${port}
external: lo
external.rotation: route
socksmethod: ${method}
clientmethod: none
user.privileged: root
user.unprivileged: nobody
timeout.connect: 5
client pass { from: 127.0.0.0/8 to: 0.0.0.0/0
  log: error
}
socks block { from: 0.0.0.0/0 to: ${danteForbidden}/32
  log: connect error
}
socks pass { from: 127.0.0.0/8 to: 0.0.0.0/0
  command: connect udpassociate
  log: connect error
}
socks pass { from: 0.0.0.0/0 to: 127.0.0.0/8
  command: udpreply
  log: error
}
socks pass { from: 127.0.0.0/8 to: ::/0
  command: connect
  log: connect error
}
`
}
