/** Runs all checks of `troupe doctor`, at once; one that hangs or fails does not hold up the others. */
import { bounded, TroupeError } from '@troupe/core'
import { load, redactedText, runningOverlays } from 'troupe/app'
import { checkDiagnosticsIn } from '../modules/diagnostic.ts'
import type { CommonOptions } from '../invocation.ts'
import { certificatesCheck } from './certificates.ts'
import { clockCheck } from './clock.ts'
import { containerCheck } from './container.ts'
import type { Check, Patient, SystemCheck } from './context.ts'
import { type Finding, type Found, ok, shownPosition } from './finding.ts'
import { leaksCheck } from './leaks.ts'
import { filesLimitCheck, limitsCheck, spaceCheck } from './limits.ts'
import { namespacesCheck } from './namespaces.ts'
import { nodeCheck } from './node.ts'
import { examineAll, overlaysCheck } from './overlays.ts'
import { portsCheck } from './ports.ts'
import { filesCheck } from './private-files.ts'
import type { System } from './system.ts'

/** Milliseconds for reading the application, and for each check. */
const patience = 20_000

const systemChecks: readonly SystemCheck[] = [nodeCheck, limitsCheck]
const checks: readonly Check[] = [
  overlaysCheck,
  leaksCheck,
  filesCheck,
  portsCheck,
  certificatesCheck,
  clockCheck,
  filesLimitCheck,
  namespacesCheck,
  containerCheck,
  spaceCheck,
]

/** The findings, and whether something still hangs. */
export interface Diagnosis {
  readonly findings: readonly Finding[]
  readonly hangs: boolean
}

/** Examines an application and its machine. Changes nothing. Never rejects. */
export async function examine(options: CommonOptions, system: System): Promise<Diagnosis> {
  const late = new Set<string>()
  const attempt = async (name: string, run: () => Promise<readonly Found[]>): Promise<readonly Finding[]> => {
    const giveUp = () => {
      late.add(name)
      return new TroupeError('Timeout', `it did not end within ${patience / 1000} s`)
    }
    const found = await bounded(Promise.resolve().then(run), { ms: patience }, giveUp).catch((error: unknown) => [
      failureOf(error),
    ])
    return found.map((finding) => ({ check: name, ...finding }))
  }
  const machine = systemChecks.map(async ({ name, run }) => attempt(name, async () => run(system)))
  const patients: Patient[] = []
  const configuration = await attempt('configuration', async () => {
    const patient = await patientOf(options, system)
    patients.push(patient)
    return configurationOf(patient)
  })
  const own = patients.flatMap((patient) =>
    checks.map(async ({ name, run }) => attempt(name, async () => run(patient))),
  )
  const all = [...(await Promise.all(machine)).flat(), ...configuration, ...(await Promise.all(own)).flat()]
  const secrets = new Set(patients.flatMap(({ registry }) => [...registry.env.secrets]))
  return { findings: bySeverity(all).map((finding) => withoutSecrets(finding, secrets)), hangs: late.size > 0 }
}

async function patientOf(options: CommonOptions, system: System): Promise<Patient> {
  const loaded = await load(options)
  const examined = Promise.withResolvers<Awaited<ReturnType<typeof examineAll>>>()
  examined.resolve(examineAll(loaded))
  return {
    ...loaded,
    system,
    examined: async () => examined.promise,
    running: async () => runningOverlays(loaded.config.networkService.stateDir),
  }
}

function configurationOf({ registry, problems }: Patient): readonly Found[] {
  if (problems.length === 0) return [ok(`no problems; entries: ${registry.entries().length}`)]
  return problems.map(({ place, entry = '', message }) => ({
    severity: 'error',
    message,
    where: place === undefined ? entry : `${shownPosition(place)}: ${entry}`,
    remedy: 'correct it there; "troupe check" shows all problems of entries and modules',
  }))
}

/** A broken file hides what else there is: the checks of the machine still run. */
function failureOf(error: unknown): Found {
  const [first] = checkDiagnosticsIn(error)
  return {
    severity: 'error',
    message: first?.message ?? (error instanceof Error ? error.message : String(error)),
    ...(first?.place && { where: shownPosition(first.place) }),
    remedy: first === undefined ? 'see the message' : 'correct it there, then run "troupe doctor" again',
  }
}

const ranks = { error: 0, warning: 1, ok: 2 } as const

function bySeverity(findings: readonly Finding[]): readonly Finding[] {
  return findings.toSorted((a, b) => ranks[a.severity] - ranks[b.severity])
}

function withoutSecrets(finding: Finding, secrets: ReadonlySet<string>): Finding {
  const { severity, check, message, where, remedy } = finding
  const shown = (text: string) => redactedText(text, secrets)
  return {
    severity,
    check,
    message: shown(message),
    ...(where !== undefined && { where: shown(where) }),
    ...(remedy !== undefined && { remedy: shown(remedy) }),
  }
}
