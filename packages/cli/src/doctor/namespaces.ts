/** Checks what `isolation: process` needs: its launcher, user namespaces, a cgroup. */
import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import { tsnetPackage } from '@troupe/network/kernel'
import type { Entry } from '@troupe/registry'
import { z } from 'zod'
import { type Check, entriesOf, type Patient } from './context.ts'
import { type Found, ok, placeOf, programsRemedy } from './finding.ts'
import type { System } from './system.ts'

const settings = z.object({
  isolation: z.string().optional(),
  sealed: z.union([z.literal(true), z.object({ require: z.string() })]).optional(),
  limits: z.object({ cpus: z.number().optional() }).optional(),
})

interface Isolated {
  readonly entry: Entry
  readonly settings: z.output<typeof settings>
}

export const namespacesCheck: Check = {
  name: 'namespaces',
  async run(patient) {
    const isolated = isolatedOf(patient)
    if (isolated.length === 0 || patient.system.platform !== 'linux') return []
    const found = (
      await Promise.all([launcher(isolated), namespaces(isolated, patient.system), cgroup(isolated, patient.system)])
    ).flat()
    return found.length > 0 ? found : [ok('the launcher and user namespaces')]
  },
}

function isolatedOf(patient: Patient): readonly Isolated[] {
  const hosts = entriesOf(patient, 'process.host', z.object({ host: settings }))
  const functions = entriesOf(patient, 'function.ts', z.object({ pool: settings }))
  return [
    ...hosts.map(({ entry, fields }) => ({ entry, settings: fields.host })),
    ...functions.map(({ entry, fields }) => ({ entry, settings: fields.pool })),
  ].filter(({ settings: { isolation, sealed } }) => isolation === 'process' || sealed !== undefined)
}

async function launcher(isolated: readonly Isolated[]): Promise<readonly Found[]> {
  try {
    const programs = await tsnetPackage('a host with "isolation: process"')
    await programs.findLauncher()
    return []
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return [{ severity: 'error', message, where: namesOf(isolated), remedy: programsRemedy(message) }]
  }
}

async function namespaces(isolated: readonly Isolated[], system: System): Promise<readonly Found[]> {
  const found = (await setting(system)) ?? (await failure(system))
  if (found === undefined) return []
  const requiring = isolated.filter(({ settings: { sealed } }) => typeof sealed === 'object')
  return [
    {
      severity: requiring.length > 0 ? 'error' : 'warning',
      message:
        requiring.length > 0
          ? `this user cannot create user namespaces (${found.why}), and these entries require them`
          : `this user cannot create user namespaces (${found.why}): processes are held by seccomp alone`,
      where: namesOf(requiring.length > 0 ? requiring : isolated),
      remedy: found.remedy,
    },
  ]
}

interface Refusal {
  readonly why: string
  readonly remedy: string
}

async function setting({ read }: System): Promise<Refusal | undefined> {
  const forbidden = [
    { name: 'user.max_user_namespaces', value: '0', better: '15000' },
    { name: 'kernel.unprivileged_userns_clone', value: '0', better: '1' },
    { name: 'kernel.apparmor_restrict_unprivileged_userns', value: '1', better: '0' },
  ]
  for (const { name, value, better } of forbidden) {
    const text = await read(join('/proc/sys', name.replaceAll('.', '/')))
    if (text?.trim() === value) return { why: `${name} is ${value}`, remedy: `sysctl ${name}=${better}` }
  }
  return undefined
}

async function failure({ noUserNamespaces }: System): Promise<Refusal | undefined> {
  const why = await noUserNamespaces()
  return why === undefined
    ? undefined
    : { why, remedy: 'in a container, start it with --security-opt seccomp=<a profile that allows unshare>' }
}

/** `limits.cpus` has an effect only in a cgroup of the program. */
async function cgroup(isolated: readonly Isolated[], { env }: System): Promise<readonly Found[]> {
  const folder = env['TROUPE_CGROUP'] ?? ''
  const limited = isolated.filter(({ settings: { limits } }) => limits?.cpus !== undefined)
  const remedy = 'in the systemd unit: Delegate=yes, and Environment=TROUPE_CGROUP=<the cgroup of the unit>'
  if (folder === '')
    return limited.length === 0
      ? []
      : [
          {
            severity: 'warning',
            message: 'limits.cpus has no effect: the program has no cgroup of its own',
            where: namesOf(limited),
            remedy,
          },
        ]
  return access(folder, constants.W_OK).then(
    () => [],
    () => [
      {
        severity: 'error' as const,
        message: `this user cannot write the cgroup ${folder}`,
        where: 'the variable TROUPE_CGROUP',
        remedy,
      },
    ],
  )
}

function namesOf(isolated: readonly Isolated[]): string {
  return isolated.map(({ entry }) => placeOf(entry)).join(', ')
}
