/** Real servers for the tests of libraries: each with its own folder, on loopback, ended with the tests. */
import { execFile } from 'node:child_process'
import { appendFile, chown, glob, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Daemon } from '../peers/daemon.ts'
import { installPeers, programs, servers } from '../peers/install.ts'
import { listens } from '../peers/socks-probe.ts'

const run = promisify(execFile)

export const postgresPort = 5432
export const redisPort = 6379
export const mariadbPort = 3306
export const plainPort = 8080
export const securePort = 8443
export const sshPort = 2222

export interface Servers extends AsyncDisposable {
  /** All listen on this address. */
  readonly host: string
  /** Private key of the user whose login sshd accepts. */
  readonly sshKey: string
}

/** Starts all of them at `host`. */
export async function startServers(host: string): Promise<Servers> {
  await installPeers(servers)
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'troupe-servers-'))
  stack.defer(async () => rm(folder, { recursive: true, force: true }))
  // Daemons that drop root privileges must be able to traverse it.
  await run('chmod', ['755', folder])
  const [, , , , sshKey] = await Promise.all([
    startPostgres(folder, host, stack),
    startRedis(folder, host, stack),
    startMariadb(folder, host, stack),
    startNginx(folder, host, stack),
    startSshd(folder, host, stack),
  ])
  const started = stack.move()
  return { host, sshKey, [Symbol.asyncDispose]: async () => started.disposeAsync() }
}

export async function startPostgres(folder: string, host: string, stack: AsyncDisposableStack): Promise<void> {
  const found = await Array.fromAsync(glob('/usr/lib/postgresql/*/bin'))
  const bin = found.toSorted().at(-1)
  if (bin === undefined) throw new Error('PostgreSQL is installed, but its programs are not where Debian has them')
  const data = await ownedFolder(folder, 'postgres')
  const [as, ...user] = asUser('postgres')
  await run(as, [...user, join(bin, 'initdb'), '-D', data, '-A', 'trust', '-U', 'troupe', '--no-sync'])
  await appendFile(join(data, 'pg_hba.conf'), 'host all all 127.0.0.0/8 trust\n')
  const settings = [`listen_addresses=${host}`, `port=${postgresPort}`, 'unix_socket_directories=', 'fsync=off']
  const args = [...user, join(bin, 'postgres'), '-D', data, ...settings.flatMap((setting) => ['-c', setting])]
  await start(stack, { name: 'postgres', program: as, args, log: join(folder, 'postgres.log') }, host, postgresPort)
}

async function startRedis(folder: string, host: string, stack: AsyncDisposableStack): Promise<void> {
  const args = ['--bind', host, '--port', String(redisPort), '--save', '', '--dir', folder, '--protected-mode', 'no']
  await start(
    stack,
    { name: 'redis', program: servers.redis.path, args, log: join(folder, 'redis.log') },
    host,
    redisPort,
  )
}

async function startMariadb(folder: string, host: string, stack: AsyncDisposableStack): Promise<void> {
  const data = await ownedFolder(folder, 'mysql')
  await run(servers.mariadbInstall.path, ['--no-defaults', `--datadir=${data}`, '--user=mysql', '--skip-test-db'])
  const first = join(folder, 'first.sql')
  await writeFile(first, "create user troupe@'%';\ngrant all on *.* to troupe@'%';\n")
  const args = [
    '--no-defaults',
    '--user=mysql',
    `--datadir=${data}`,
    `--socket=${join(data, 'socket')}`,
    `--bind-address=${host}`,
    `--port=${mariadbPort}`,
    `--init-file=${first}`,
    '--skip-name-resolve',
  ]
  await start(
    stack,
    { name: 'mariadb', program: servers.mariadb.path, args, log: join(folder, 'mariadb.log') },
    host,
    mariadbPort,
  )
}

async function startNginx(folder: string, host: string, stack: AsyncDisposableStack): Promise<void> {
  const certificate = join(import.meta.dirname, 'fixtures')
  const config = `daemon off; pid ${folder}/nginx.pid; error_log stderr warn; events {}
http {
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi; keepalive_timeout 60s; default_type application/json;
  ssl_certificate ${certificate}/server.pem; ssl_certificate_key ${certificate}/server.key;
  server {
    listen ${host}:${plainPort}; listen ${host}:${securePort} ssl http2;
    location /moved { return 302 $scheme://$http_host/; }
    location / { return 200 '{"peer":"$remote_addr","port":$remote_port}'; }
  }
}
`
  const path = join(folder, 'nginx.conf')
  await writeFile(path, config)
  const args = ['-c', path, '-p', folder]
  await start(
    stack,
    { name: 'nginx', program: servers.nginx.path, args, log: join(folder, 'nginx.log') },
    host,
    plainPort,
  )
}

async function startSshd(folder: string, host: string, stack: AsyncDisposableStack): Promise<string> {
  const [hostKey, userKey] = [join(folder, 'host_key'), join(folder, 'user_key')]
  for (const key of [hostKey, userKey]) await run(servers.sshKeygen.path, ['-q', '-t', 'ed25519', '-N', '', '-f', key])
  // sshd requires this folder whatever its configuration is.
  await mkdir('/run/sshd', { recursive: true })
  const config = `ListenAddress ${host}:${sshPort}
HostKey ${hostKey}
PidFile none
AuthorizedKeysFile ${userKey}.pub
StrictModes no
PermitRootLogin yes
UsePAM no
PasswordAuthentication no
`
  const path = join(folder, 'sshd_config')
  await writeFile(path, config)
  const args = ['-D', '-e', '-f', path]
  await start(stack, { name: 'sshd', program: servers.sshd.path, args, log: join(folder, 'sshd.log') }, host, sshPort)
  return readFile(userKey, 'utf8')
}

async function start(
  stack: AsyncDisposableStack,
  options: ConstructorParameters<typeof Daemon>[0],
  host: string,
  port: number,
): Promise<void> {
  const daemon = stack.use(new Daemon(options))
  await daemon.until(async () => listens(host, port))
}

/** Runs as the user that the server requires, and still ends with its parent. */
function asUser(name: string): [string, ...string[]] {
  return [programs.setpriv.path, `--reuid=${name}`, `--regid=${name}`, '--init-groups', '--pdeathsig', 'TERM']
}

async function ownedFolder(folder: string, user: string): Promise<string> {
  const path = join(folder, user)
  await mkdir(path, { mode: 0o700 })
  const [uid, gid] = await Promise.all(['-u', '-g'].map(async (flag) => Number((await run('id', [flag, user])).stdout)))
  await chown(path, uid ?? 0, gid ?? 0)
  return path
}
