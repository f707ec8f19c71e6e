/** Checks limits and resources of the machine: open files, watched files, space, random numbers. */
import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { type Check, entriesOf, type Patient, type SystemCheck } from './context.ts'
import { type Found, ok, shownPath } from './finding.ts'
import type { System } from './system.ts'

/** An application with threads and some connections. */
const fewFiles = 1024
const usualFiles = 4096
/** `troupe run --watch` needs one for each folder of the application. */
const fewWatches = 8192
const fewInstances = 64
/** The pool of random numbers is full with 256 bits since Linux 5.18; older kernels need some to begin. */
const fewBits = 128
/** Bytes. */
const littleSpace = 64 * 2 ** 20
/** The longest name of a socket in the folder of temporary files: `sun_path` holds 108 bytes. */
const longestPath = 107
const socketName = '/troupe-XXXXXX/99'

export const limitsCheck: SystemCheck = {
  name: 'limits',
  async run(system) {
    const found = (await Promise.all([inotify(system), random(system)])).flat()
    const faults = [...found, ...temporaryFolder(system)]
    return faults.length > 0 ? faults : [ok('inotify, random numbers and the folder of temporary files')]
  },
}

export const filesLimitCheck: Check = {
  name: 'ulimit',
  async run(patient) {
    const limit = await openFiles(patient.system)
    if (limit === undefined) return []
    const services = entriesOf(
      patient,
      'http.service',
      z.object({ limits: z.object({ connections: z.number().optional() }) }),
    )
    const wanted = services.reduce((sum, { fields }) => sum + (fields.limits.connections ?? 0), 0)
    const needed = wanted + fewFiles
    if (limit >= Math.max(needed, usualFiles)) return [ok(`${limit} open files`)]
    const why = wanted === 0 ? '' : `; the services allow ${wanted} connections`
    return [
      {
        severity: limit < needed ? 'error' : 'warning',
        message: `this user may open ${limit} files, connections included${why}`,
        where: 'ulimit -n',
        remedy: `ulimit -n ${Math.max(needed, 65_536)}; in a systemd unit: LimitNOFILE=${Math.max(needed, 65_536)}`,
      },
    ]
  },
}

export const spaceCheck: Check = {
  name: 'space',
  async run({ config, registry }: Patient) {
    const keeps = registry.find({ kind: 'network.*' }).length > 0 || config.registry.history === 'sqlite'
    if (!keeps) return []
    const { stateDir } = config.networkService
    const free = await freeBytes(stateDir)
    if (free === undefined) return []
    const shown = `${Math.floor(free / 2 ** 20)} MiB are free`
    if (free >= littleSpace) return [ok(shown, shownPath(stateDir))]
    return [
      {
        severity: free === 0 ? 'error' : 'warning',
        message: shown,
        where: shownPath(stateDir),
        remedy: 'free some space, or set network_service.state_dir to another disk',
      },
    ]
  },
}

/** Node raises its own limit to the hard one. */
async function openFiles({ read }: System): Promise<number | undefined> {
  const [, hard] = /^Max open files\s+\S+\s+(\S+)/m.exec((await read('/proc/self/limits')) ?? '') ?? []
  if (hard === undefined) return undefined
  return hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard)
}

async function inotify({ read }: System): Promise<readonly Found[]> {
  const folder = '/proc/sys/fs/inotify'
  const limits = [
    { name: 'max_user_watches', least: fewWatches, better: 524_288 },
    { name: 'max_user_instances', least: fewInstances, better: 512 },
  ]
  const found = await Promise.all(
    limits.map(async ({ name, least, better }) => {
      const value = Number((await read(`${folder}/${name}`)) ?? least)
      return value >= least
        ? []
        : [
            {
              severity: 'warning' as const,
              message: `"troupe run --watch" and certificates that are renewed need more than ${value} of these`,
              where: `fs.inotify.${name}`,
              remedy: `sysctl fs.inotify.${name}=${better}`,
            },
          ]
    }),
  )
  return found.flat()
}

async function random({ read }: System): Promise<readonly Found[]> {
  const bits = Number((await read('/proc/sys/kernel/random/entropy_avail')) ?? fewBits)
  return bits >= fewBits
    ? []
    : [
        {
          severity: 'warning',
          message: `the kernel has ${bits} bits of entropy: the first keys may wait for more`,
          where: '/proc/sys/kernel/random/entropy_avail',
          remedy: 'give the virtual machine a virtio-rng device, or: apt-get install rng-tools5',
        },
      ]
}

function temporaryFolder({ tmpdir }: System): readonly Found[] {
  return Buffer.byteLength(tmpdir + socketName) <= longestPath
    ? []
    : [
        {
          severity: 'error',
          message: `its path is too long for a Unix socket, of which the system takes ${longestPath} bytes`,
          where: `the variable TMPDIR: ${tmpdir}`,
          remedy: 'export TMPDIR=/tmp',
        },
      ]
}

async function freeBytes(path: string): Promise<number | undefined> {
  for (let at = path; ; at = dirname(at)) {
    const found = await statfs(at).catch(() => undefined)
    if (found !== undefined) return found.bavail * found.bsize
    if (dirname(at) === at) return undefined
  }
}
