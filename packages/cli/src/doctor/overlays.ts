/** Checks whether overlays can be reached, and accept their login, by the drivers' own probes. */
import { bounded, startTimer, TroupeError } from '@troupe/core'
import { type Examined, examineOverlay } from '@troupe/network/kernel'
import type { Loaded } from 'troupe/app'
import { decodedIfRight } from '../modules/program.ts'
import type { Check } from './context.ts'
import { type Found, ok, placeOf, programsRemedy, type Severity } from './finding.ts'

/** Milliseconds for the endpoints of one overlay. */
const patience = 10_000
/** Milliseconds after which a probe that does not end is left: enough to end a sidecar that does not start. */
const longest = 15_000

export const overlaysCheck: Check = {
  name: 'overlays',
  async run({ registry, examined, running }) {
    const [results, reports] = await Promise.all([examined(), running()])
    return registry.find({ kind: 'network.*' }).flatMap((entry) => {
      const where = placeOf(entry)
      const found = (results.get(entry.id) ?? []).map((result) => findingOf(result, entry.kind, where))
      const report = reports.get(entry.id)
      if (report === undefined) return found
      const { state, reason } = report
      return [
        ...found,
        state === 'up' || state === 'starting'
          ? ok(`the running application reports: ${state}`, where)
          : {
              severity: severityOf(state),
              message: `the running application reports: ${state}${reason === undefined ? '' : `: ${reason}`}`,
              where,
              remedy: `troupe list ${entry.kind}`,
            },
      ]
    })
  },
}

/** Probes all overlays at once. Never rejects, and does not wait for those that hang. */
export async function examineAll({ registry, config }: Loaded): Promise<ReadonlyMap<string, readonly Examined[]>> {
  const { stateDir } = config.networkService
  const overlays = registry.find({ kind: 'network.*' }).filter(({ id }) => decodedIfRight(registry, id) !== undefined)
  const results = overlays.map(async ({ id }) => {
    const end = new AbortController()
    using _timer = startTimer(() => {
      end.abort()
    }, patience)
    const late = () => new TroupeError('Timeout', `it did not reply within ${longest / 1000} s`)
    const result = bounded(examineOverlay(registry, id, { stateDir, signal: end.signal }), { ms: longest }, late)
    return [
      id,
      await result.catch((error: unknown): readonly Examined[] => [
        { part: 'the overlay', state: 'down', reason: String(error instanceof Error ? error.message : error) },
      ]),
    ] as const
  })
  return new Map(await Promise.all(results))
}

function findingOf({ part, state, reason }: Examined, kind: string, where: string): Found {
  if (state === 'up') return ok(`${part} works`, where)
  // Not every overlay can be probed from outside.
  if (state === 'starting') return ok(`${part} was not checked: ${reason ?? 'it starts'}`, where)
  return {
    severity: severityOf(state),
    message: `${part} ${state === 'down' ? 'does not work' : 'works in part'}: ${reason ?? 'no reason is known'}`,
    where,
    remedy: remedyOf(part, reason ?? '', kind),
  }
}

function severityOf(state: Examined['state']): Severity {
  return state === 'down' ? 'error' : 'warning'
}

function remedyOf(part: string, reason: string, kind: string): string {
  if (part === 'the sidecar') return programsRemedy(reason)
  if (part === 'the login') return 'set auth_key_env of the entry to the name of a variable that holds an auth key'
  if (part === 'the coordination server') return 'correct control_url and ca of the entry, or start the server'
  if (/login|password|authenticat/i.test(reason)) return 'correct username and password of the entry'
  if (/ENOENT|EACCES/.test(reason)) return 'start the proxy, or correct the path after unix: in host of the entry'
  if (/ENOTFOUND|EAI_/.test(reason)) return 'correct host of the entry, or give its address'
  if (/probe of/.test(reason)) return 'correct probe of the entry, or remove it: then a greeting is enough'
  return kind === 'network.i2p'
    ? 'start the router with its SAM bridge enabled, or correct host and port of the entry'
    : 'start the proxy, or correct host and port of the entry'
}
