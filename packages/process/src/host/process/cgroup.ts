/** The cgroup (version 2) of an operating-system process, where the program may make cgroups. */
import { rmdir } from 'node:fs/promises'
import { sleep } from '@troupe/core'

/** Memory that Node needs besides its heap: code, stacks, buffers. */
const besideHeapMb = 256
const mega = 1 << 20
/** The period of `cpu.max`, in microseconds. */
const period = 100_000
const tries = 20
const pause = 50

export interface CgroupLimits {
  readonly memoryMb?: number | undefined
  readonly cpus?: number | undefined
  readonly threads: number
  readonly nice: number
}

/** What the launcher gets about the cgroup (`packages/tsnet/launcher/cgroup.go`). */
export interface CgroupSettings {
  readonly folder: string
  readonly limits: Readonly<Record<string, string>>
}

/** The variable `TROUPE_CGROUP` names a cgroup that belongs to this program. */
export function cgroupSettings({ memoryMb, cpus, threads, nice }: CgroupLimits): CgroupSettings {
  return {
    folder: process.env['TROUPE_CGROUP'] ?? '',
    limits: {
      'pids.max': String(threads),
      'cpu.weight.nice': String(nice),
      ...(memoryMb !== undefined && { 'memory.max': String((memoryMb + besideHeapMb) * mega) }),
      ...(cpus !== undefined && { 'cpu.max': `${Math.round(cpus * period)} ${period}` }),
    },
  }
}

/** Deletes the cgroup of a process that has ended. Its launcher, which may have been killed, does the same. */
export async function removeCgroup(folder: string): Promise<void> {
  for (let attempt = 0; attempt < tries; attempt += 1) {
    const error: unknown = await rmdir(folder).then(
      () => undefined,
      (cause: unknown) => cause,
    )
    // The process is on its way out.
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'EBUSY') return
    await sleep(pause)
  }
}
