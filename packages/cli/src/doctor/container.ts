/** Compares the limits of a container (cgroup) with the threads that the application may have. */
import { dirname, join } from 'node:path'
import type { Check } from './context.ts'
import { type Found, ok, placeOf } from './finding.ts'
import type { System } from './system.ts'
import { type Threads, threadsOf } from './threads.ts'

const mega = 2 ** 20
/** Measured on Linux: a program with one application, and each idle thread of it (`docs/doctor.md`). */
const ownMemory = 130 * mega
const threadMemory = 32 * mega
/** Threads that Node starts beside those of the application. */
const ownThreads = 16
const mount = '/sys/fs/cgroup'

export const containerCheck: Check = {
  name: 'container',
  async run(patient) {
    const { system } = patient
    const threads = threadsOf(patient)
    const all = threads.reduce((sum, { most }) => sum + most, 0)
    const [cpus, pids] = await Promise.all([processors(system), smallest(system, 'pids.max')])
    const found = [
      ...memory(system.memoryLimit, all, threads),
      ...processes(pids, all, threads),
      ...(cpus === undefined ? [] : threads.flatMap((one) => cores(cpus, one))),
    ]
    if (found.length > 0) return found
    const limits = [
      ...(system.memoryLimit === undefined ? [] : [`${Math.floor(system.memoryLimit / mega)} MiB`]),
      ...(cpus === undefined ? [] : [`${cpus} processors`]),
    ]
    return [ok(`threads for each network: up to ${all}; ${limits.join(', ') || 'no limits'}`)]
  },
}

function memory(limit: number | undefined, all: number, threads: readonly Threads[]): readonly Found[] {
  const needed = ownMemory + all * threadMemory
  if (limit === undefined || needed <= limit) return []
  const isHopeless = limit < ownMemory
  return [
    {
      severity: isHopeless ? 'error' : 'warning',
      message:
        `the limit is ${Math.floor(limit / mega)} MiB, and up to ${all} threads need about ` +
        `${Math.ceil(needed / mega)} MiB before they do any work: the system may kill the program`,
      where: 'memory.max of the cgroup',
      remedy: `raise the limit (docker run --memory=${Math.ceil((2 * needed) / mega)}m), or ${fewer(threads)}`,
    },
  ]
}

function processes(limit: number | undefined, all: number, threads: readonly Threads[]): readonly Found[] {
  if (limit === undefined || all + ownThreads <= limit) return []
  return [
    {
      severity: 'error',
      message: `the limit is ${limit} tasks; the application may have ${all} threads, and Node ${ownThreads} more`,
      where: 'pids.max of the cgroup',
      remedy: `raise the limit (docker run --pids-limit=${2 * (all + ownThreads)}), or ${fewer(threads)}`,
    },
  ]
}

function cores(cpus: number, { entry, path, most, isGiven }: Threads): readonly Found[] {
  const enough = Math.max(1, Math.ceil(cpus))
  if (most <= 2 * enough || path.at(-1) === 'spares') return []
  const source = isGiven ? '' : ', the number of cores of this machine'
  return [
    {
      severity: 'warning',
      message: `${path.join('.')} is ${most}${source}; the cgroup allows ${cpus} processors, so threads wait in turn`,
      where: placeOf(entry, path),
      remedy: `set ${path.join('.')} of ${entry.id} to ${enough}`,
    },
  ]
}

/** The setting that saves most. */
function fewer(threads: readonly Threads[]): string {
  const [most] = threads.filter(({ path }) => path.length > 1).toSorted((a, b) => b.most - a.most)
  return most === undefined
    ? 'remove services'
    : `set ${most.path.join('.')} of ${most.entry.id} to less than ${most.most}`
}

/** Processors of the smallest quota; `undefined` without one. @see cgroups(7) */
async function processors(system: System): Promise<number | undefined> {
  const found = (await texts(system, 'cpu.max')).flatMap((text) => {
    const [quota = 'max', period] = text.trim().split(' ')
    return quota === 'max' ? [] : [Number(quota) / Number(period)]
  })
  const [old, oldPeriod] = await Promise.all(
    ['cpu.cfs_quota_us', 'cpu.cfs_period_us'].map(async (name) => system.read(join(mount, 'cpu', name))),
  )
  if (Number(old) > 0) found.push(Number(old) / Number(oldPeriod))
  return found.length === 0 ? undefined : Math.min(...found)
}

async function smallest(system: System, name: string): Promise<number | undefined> {
  const found = (await texts(system, name)).map(Number).filter(Number.isFinite)
  return found.length === 0 ? undefined : Math.min(...found)
}

/** The files of that name in the cgroup of this program, and in those above it: each limits it. */
async function texts({ read }: System, name: string): Promise<readonly string[]> {
  const [, own = '/'] = /^0::(.*)$/m.exec((await read('/proc/self/cgroup')) ?? '') ?? []
  const paths: string[] = []
  for (let at = own; ; at = dirname(at)) {
    paths.push(join(mount, at, name))
    if (dirname(at) === at) break
  }
  return (await Promise.all(paths.map(async (path) => read(path)))).filter((text) => text !== undefined)
}
