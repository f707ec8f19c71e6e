/** For tests of `troupe doctor`: a machine without faults, and what the doctor finds on it. */
import { z } from 'zod'
import { doctor } from '../commands/doctor.ts'
import type { Finding } from '../doctor/finding.ts'
import type { System } from '../doctor/system.ts'
import type { AppFolder } from './app-folder.ts'

/** Files of the system in which each limit is high enough. */
const files: Readonly<Record<string, string>> = {
  '/proc/self/limits': 'Max open files            65536                65536                files\n',
  '/proc/self/status': 'CapEff:\t0000000000000000\n',
  '/proc/sys/fs/inotify/max_user_watches': '524288\n',
  '/proc/sys/fs/inotify/max_user_instances': '512\n',
  '/proc/sys/kernel/random/entropy_avail': '256\n',
  '/proc/sys/net/ipv4/ip_unprivileged_port_start': '1024\n',
  '/proc/self/cgroup': '0::/app\n',
}

/** Changes to the machine; `files` are laid over those of the system. */
export interface MachineChange extends Partial<Omit<System, 'read'>> {
  readonly files?: Readonly<Record<string, string>>
}

/** A machine that has what an application needs, except for `change`. */
export function machine({ files: changed = {}, ...change }: MachineChange = {}): System {
  const all = new Map(Object.entries({ ...files, ...changed }))
  return {
    platform: 'linux',
    nodeVersion: '26.1.0',
    nodeOptions: [],
    env: {},
    uid: process.getuid?.(),
    cores: 2,
    tmpdir: '/tmp',
    memoryLimit: undefined,
    addresses: new Set(['127.0.0.1', '::1', '192.0.2.7']),
    now: Date.now,
    read: async (path) => all.get(path),
    noUserNamespaces: async () => undefined,
    ...change,
  }
}

/** What the doctor reports. */
export interface Report {
  readonly exit: number
  readonly status: string
  readonly counts: Readonly<Record<string, number>>
  readonly findings: readonly Finding[]
  /** All that it printed. */
  readonly text: string
}

const printed = z.object({
  status: z.string(),
  counts: z.record(z.string(), z.number()),
  findings: z.array(
    z.strictObject({
      severity: z.enum(['ok', 'warning', 'error']),
      check: z.string(),
      message: z.string(),
      where: z.string().optional(),
      remedy: z.string().optional(),
    }),
  ),
})

/** Examines an application on a machine. */
export async function examined({ path }: Pick<AppFolder, 'path'>, change: MachineChange = {}): Promise<Report> {
  const out: string[] = []
  const options = { root: path, set: [], overrides: [], verbose: false, json: true }
  const exit = await doctor(options, { out: (line) => out.push(line), err: (line) => out.push(line) }, machine(change))
  const text = out.join('\n')
  return { ...printed.parse(JSON.parse(text)), exit, text }
}

/** The findings that are not ok. */
export function faults({ findings }: Report): readonly Finding[] {
  return findings.filter(({ severity }) => severity !== 'ok')
}
