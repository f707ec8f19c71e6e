/** Checks the addresses on which services listen in the clear network. */
import { isIP } from 'node:net'
import type { Entry } from '@troupe/registry'
import { z } from 'zod'
import { type Check, entriesOf, type Patient } from './context.ts'
import { type Found, ok, placeOf } from './finding.ts'
import { type Listening, listeningSockets, ownerOf } from './listening.ts'
import type { System } from './system.ts'

const service = z.object({ addr: z.string(), network: z.string().nullish() })
const firstUnprivileged = 1024
/** CAP_NET_BIND_SERVICE. @see capabilities(7) */
const bindPrivileged = 1n << 10n

interface Place {
  readonly entry: Entry
  readonly where: string
  readonly host: string
  readonly port: number
}

export const portsCheck: Check = {
  name: 'ports',
  async run(patient) {
    const { system } = patient
    const places = placesOf(patient)
    const [sockets, lowest] = await Promise.all([listeningSockets(system), lowestPort(system)])
    const found = await Promise.all(
      places.map(async (place) => {
        const faults = [
          ...foreignAddress(place, system),
          ...privileged(place, lowest),
          ...taken(place, places),
          ...(await inUse(place, sockets, patient)),
        ]
        const free = sockets === undefined ? 'was not looked for: this system lists no sockets' : 'is free'
        return faults.length > 0 ? faults : [ok(`port ${place.port} ${free}`, place.where)]
      }),
    )
    return found.flat()
  },
}

/** Services on overlays use no port of this machine; port 0 is any free one. */
function placesOf(patient: Patient): readonly Place[] {
  const { defaultNetwork } = patient.config.networkService
  return entriesOf(patient, 'http.service', service).flatMap(
    ({ entry, fields: { addr, network = defaultNetwork } }) => {
      const colon = addr.lastIndexOf(':')
      const host = addr
        .slice(0, colon)
        .replace(/^\[(.*)\]$/, '$1')
        .toLowerCase()
      const port = Number(addr.slice(colon + 1))
      const isClear = network === null || network === undefined
      return isClear && port !== 0 ? [{ entry, where: placeOf(entry, ['addr']), host, port }] : []
    },
  )
}

function foreignAddress({ host, where }: Place, { addresses }: System): readonly Found[] {
  const isAny = ['', '0.0.0.0', '::'].includes(host) || host.startsWith('127.')
  if (isAny || isIP(host) === 0 || addresses.has(host)) return []
  return [
    {
      severity: 'error',
      message: `${host} is not an address of this machine`,
      where,
      remedy: `set addr to one of ${[...addresses].join(', ')}, or to ":<port>" for all`,
    },
  ]
}

/** The first port that this user may listen on. */
async function lowestPort({ platform, uid, read }: System): Promise<number> {
  if (uid === undefined || platform !== 'linux') return uid === 0 || uid === undefined ? 0 : firstUnprivileged
  const [, effective] = /^CapEff:\s*([\da-f]+)/m.exec((await read('/proc/self/status')) ?? '') ?? []
  const may = effective === undefined ? uid === 0 : (BigInt(`0x${effective}`) & bindPrivileged) !== 0n
  return may ? 0 : Number((await read('/proc/sys/net/ipv4/ip_unprivileged_port_start')) ?? firstUnprivileged)
}

function privileged({ port, where }: Place, lowest: number): readonly Found[] {
  if (port >= lowest) return []
  return [
    {
      severity: 'error',
      message: `port ${port} is privileged: this user may listen on ${lowest} and above`,
      where,
      remedy:
        `set addr to a port of ${lowest} or above; or: sysctl net.ipv4.ip_unprivileged_port_start=${port}; ` +
        'or in the systemd unit: AmbientCapabilities=CAP_NET_BIND_SERVICE',
    },
  ]
}

function taken(place: Place, places: readonly Place[]): readonly Found[] {
  const same = ({ host, port }: Place) =>
    port === place.port && (host === place.host || isAll(host) || isAll(place.host))
  const other = places.slice(0, places.indexOf(place)).find(same)
  if (other === undefined) return []
  return [
    {
      severity: 'error',
      message: `${other.entry.id} listens on port ${place.port} too: only one of the two starts`,
      where: place.where,
      remedy: `set addr of ${place.entry.id} to another port`,
    },
  ]
}

function isAll(host: string): boolean {
  return ['', '0.0.0.0', '::'].includes(host)
}

/** A port that the application itself uses, because it runs, is no fault. */
async function inUse(
  { host, port, where }: Place,
  sockets: readonly Listening[] | undefined,
  { system, registry }: Patient,
): Promise<readonly Found[]> {
  const socket = sockets?.find(
    (listening) =>
      listening.port === port &&
      (listening.host === undefined || isIP(host) !== 4 || isAll(host) || listening.host === host),
  )
  if (socket === undefined) return []
  const owner = await ownerOf(socket, system)
  const who = owner === undefined ? 'another program' : `the process ${owner.pid} (${owner.name})`
  if (owner?.folder === registry.root) return [ok(`port ${port} is used by ${who}, which runs in this folder`, where)]
  return [
    {
      severity: 'error',
      message: `port ${port} is in use, by ${who}`,
      where,
      remedy:
        owner === undefined
          ? `ss -ltnp sport = :${port}`
          : `stop the process ${owner.pid}, or set addr to another port`,
    },
  ]
}
