/** Installs the programs of the peers, if they are missing. For Debian and derivatives; needs root. */
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { apt } from './apt.ts'

/** Programs by path, and the Debian package of each. */
export const programs = {
  tor: { path: '/usr/sbin/tor', package: 'tor' },
  torGencert: { path: '/usr/bin/tor-gencert', package: 'tor' },
  danted: { path: '/usr/sbin/danted', package: 'dante-server' },
  i2pd: { path: '/usr/sbin/i2pd', package: 'i2pd' },
  microsocks: { path: '/usr/bin/microsocks', package: 'microsocks' },
  setpriv: { path: '/usr/bin/setpriv', package: 'util-linux' },
  chpasswd: { path: '/usr/sbin/chpasswd', package: 'passwd' },
} as const

/** Servers that only the tests of libraries need, which install them themselves. */
export const servers = {
  redis: { path: '/usr/bin/redis-server', package: 'redis-server' },
  mariadb: { path: '/usr/sbin/mariadbd', package: 'mariadb-server' },
  mariadbInstall: { path: '/usr/bin/mariadb-install-db', package: 'mariadb-server' },
  nginx: { path: '/usr/sbin/nginx', package: 'nginx' },
  sshd: { path: '/usr/sbin/sshd', package: 'openssh-server' },
  sshKeygen: { path: '/usr/bin/ssh-keygen', package: 'openssh-client' },
  postgres: { path: '/usr/share/postgresql-common/pg_wrapper', package: 'postgresql' },
} as const

/** Programs that put servers under load. */
export const load = {
  wrk: { path: '/usr/bin/wrk', package: 'wrk' },
} as const

/** Programs for tests with their own network. */
export const namespaces = {
  ip: { path: '/usr/sbin/ip', package: 'iproute2' },
  nft: { path: '/usr/sbin/nft', package: 'nftables' },
} as const

/** What makes certificates. */
export const certificateTools = {
  openssl: { path: '/usr/bin/openssl', package: 'openssl' },
} as const

/** What reads metrics. */
export const monitoring = {
  promtool: { path: '/usr/bin/promtool', package: 'prometheus' },
} as const

/** What starts and watches services, and a receiver of their reports. */
export const serviceManagers = {
  notify: { path: '/usr/bin/systemd-notify', package: 'systemd' },
  analyze: { path: '/usr/bin/systemd-analyze', package: 'systemd' },
  python: { path: '/usr/bin/python3', package: 'python3' },
} as const

/** Terminals for programs that use the whole screen. */
export const terminals = {
  tmux: { path: '/usr/bin/tmux', package: 'tmux' },
} as const

/** For native code that a test contains as source. */
export const compilers = {
  gcc: { path: '/usr/bin/gcc', package: 'build-essential' },
} as const

/** Programs that `npm run compare:exec` compares `troupe exec` with. */
export const wrappers = {
  torsocks: { path: '/usr/bin/torsocks', package: 'torsocks' },
  proxychains: { path: '/usr/bin/proxychains4', package: 'proxychains4' },
} as const

export const browsers = {
  chromium: { path: '/usr/bin/chromium', package: 'chromium' },
} as const

/** Programs by path, and the Debian package of each. */
export type Programs = Readonly<Record<string, { readonly path: string; readonly package: string }>>

/**
 * Makes sure that all of `list` exist. Throws if one cannot be installed: a test that needs a peer is never skipped.
 */
export async function installPeers(list: Programs = programs): Promise<void> {
  const wanted = await missing(list)
  if (wanted.length === 0) return
  const words = `the real peers of these tests are missing: ${wanted.join(', ')}`
  if (process.getuid?.() !== 0)
    throw new Error(`${words}. Run the tests as root, or: apt-get install --no-install-recommends ${wanted.join(' ')}`)
  try {
    await apt('update')
    // Packages of daemons start them: the distribution's daemons must not run here.
    await apt('install', '--yes', '--no-install-recommends', ...wanted)
  } catch (cause) {
    throw new Error(`${words}, and apt-get could not install them`, { cause })
  }
  const still = await missing(list)
  if (still.length > 0)
    throw new Error(
      `apt-get installed ${wanted.join(', ')}, but programs of ${still.join(', ')} are not where Debian has them`,
    )
}

async function missing(list: Programs): Promise<readonly string[]> {
  const packages = new Set<string>()
  for (const program of Object.values(list)) {
    await access(program.path, constants.X_OK).catch(() => packages.add(program.package))
  }
  return [...packages]
}
