/** What holds the operating-system processes of a host, as far as that depends on the system. */
import type { Started } from './exit-report.ts'

export interface Protection {
  /** They have namespaces of their own. */
  readonly namespaces: boolean
  /** Limits that a cgroup holds: `memory.max`. Resource limits hold in any case. */
  readonly cgroup: readonly string[]
  /** Why they have no namespaces, or why some limits are not held by a cgroup. */
  readonly missing: readonly string[]
}

/** @param limits - The limits of the cgroup that was asked for, by the names of their files. */
export function protectionOf(started: Started, limits: readonly string[]): Protection {
  const { namespaces, why, cgroup, cgroup_why: cgroupWhy, unlimited = [] } = started
  return {
    namespaces,
    cgroup: cgroup === undefined ? [] : limits.filter((name) => !unlimited.includes(name)),
    missing: [
      ...(namespaces ? [] : [`no namespaces: ${why ?? ''}`]),
      ...(cgroup === undefined ? [`no cgroup: ${cgroupWhy ?? ''}`] : []),
      ...(cgroup !== undefined && unlimited.length > 0
        ? [`its cgroup has no controller for ${unlimited.join(', ')}`]
        : []),
    ],
  }
}
