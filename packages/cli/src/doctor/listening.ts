/** Finds who listens on a TCP port of this machine, without opening a socket. */
import { readdir, readlink } from 'node:fs/promises'
import type { System } from './system.ts'

/** A listening socket. */
export interface Listening {
  /** An IPv4 address; `undefined` for all addresses, and for those of IPv6. */
  readonly host: string | undefined
  readonly port: number
  readonly inode: string
}

/** Who owns a socket. */
export interface Owner {
  readonly pid: number
  readonly name: string
  /** Its working folder. */
  readonly folder: string | undefined
}

/** The state LISTEN in `/proc/net/tcp`. @see proc(5) */
const listen = '0A'

/** The listening sockets of this network namespace; `undefined` where the system does not list them. */
export async function listeningSockets({ read }: System): Promise<readonly Listening[] | undefined> {
  const [four, six] = await Promise.all([read('/proc/net/tcp'), read('/proc/net/tcp6')])
  if (four === undefined && six === undefined) return undefined
  return `${four ?? ''}\n${six ?? ''}`.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/)
    const [host = '', port = ''] = local.split(':')
    return state === listen ? [{ host: addressOf(host), port: Number.parseInt(port, 16), inode }] : []
  })
}

/** The bytes of an IPv4 address, the last first: `0100007F`. */
function addressOf(hex: string): string | undefined {
  if (hex.length !== 8 || /^0+$/.test(hex)) return undefined
  return [...Buffer.from(hex, 'hex')].toReversed().join('.')
}

/** Returns the process that holds a socket; `undefined` if this user may not see it. */
export async function ownerOf({ inode }: Listening, { read }: System): Promise<Owner | undefined> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  for (const pid of pids) {
    const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => [])
    const links = await Promise.all(
      descriptors.map(async (number) => readlink(`/proc/${pid}/fd/${number}`).catch(() => '')),
    )
    if (!links.includes(`socket:[${inode}]`)) continue
    const name = (await read(`/proc/${pid}/comm`))?.trim() ?? 'a process'
    return { pid: Number(pid), name, folder: await readlink(`/proc/${pid}/cwd`).catch(() => undefined) }
  }
  return undefined
}
