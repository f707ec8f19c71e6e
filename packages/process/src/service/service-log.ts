/** Log lines about the states of services. */
import type { LogNote } from '@troupe/core'
import { serviceKind } from '../config/kinds.ts'
import { supervisorKind } from '../config/supervisor-kind.ts'
import type { ServiceStatus } from './service.ts'

/**
 * The level of a state change in the log. A failure is an error, shown at every log level when the service could not
 * start; so is giving up. A restart is a warning.
 */
export function noteOf(status: ServiceStatus, before: ServiceStatus): LogNote {
  const { id, kind, state, attempts, error } = status
  const about = { entry: id, ...(attempts > 0 && { fields: { failures: attempts } }) }
  if (state === 'Starting') return { ...about, level: attempts === 0 ? 'info' : 'warn' }
  if (error === undefined) return about
  if (state !== 'Failed' && state !== 'Exited') return { ...about, error, level: 'warn' }
  const hasGivenUp = state === 'Exited'
  const isLogged = !hasGivenUp && before.state === 'Running' && logThemselves.has(kind)
  return {
    ...about,
    error,
    level: isLogged ? 'warn' : 'error',
    ...(hasGivenUp && { fields: { ...about.fields, gaveUp: true } }),
    always: hasGivenUp || before.state !== 'Running',
  }
}

/** Kinds whose failures are logged by the processes or the supervisors themselves. */
const logThemselves: ReadonlySet<string> = new Set([serviceKind.kind, supervisorKind.kind])
