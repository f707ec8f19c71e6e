/**
 * A diagnostic report resolves the host names of both ends of each socket with the host's DNS. In an overlay it shows
 * addresses instead: Node's `excludeNetwork` is set there and cannot be turned off. In a sealed thread, and in one with
 * its own environment, it shows no environment variables (`excludeEnv`), because they belong to the program, not the
 * thread. Both options apply to each thread separately, also in the main thread's report on all other threads.
 */
import { unsupported } from '../../sockets/internals.ts'
import { isSealed } from '../../sealed/sealed.ts'
import { threadOverlay } from '../../overlay/thread-network.ts'
import { isCallable, replaceMethod } from './patch.ts'

/** Saved before user code could replace it. */
const { apply } = Reflect

let hasOwnEnvironment = false

/** Excludes the environment: this thread may not see all of the program's variables. */
export function hideEnvironment(): void {
  hasOwnEnvironment = true
}

/** A part that reports exclude. */
interface Exclusion {
  /** Called before a report that code requests. */
  readonly begin: () => void
  /** Called after it. */
  readonly end: () => void
}

/**
 * Reports that Node writes by itself, after a crash or on a signal, run no hook: so look-ups are always off in a
 * guarded thread.
 *
 * @throws TroupeError `Internal` if this version of Node does not allow that.
 */
export function guardReports(): void {
  const network = exclusion('excludeNetwork', () => isSealed() || threadOverlay() !== null, true)
  const environment = exclusion('excludeEnv', () => isSealed() || hasOwnEnvironment, false)
  for (const name of ['getReport', 'writeReport']) {
    replaceMethod(process.report, name, (original, self, args) => {
      network.begin()
      environment.begin()
      try {
        return apply(original, self, args)
      } finally {
        network.end()
        environment.end()
      }
    })
  }
}

/**
 * Controls an option of `process.report`.
 *
 * @param isForced - Whether the option is on here whatever code chooses.
 * @param atRest - Its value while no code requests a report; if false, the value that code chose.
 */
function exclusion(name: string, isForced: () => boolean, atRest: boolean): Exclusion {
  const { report } = process
  const native: object = Object.getOwnPropertyDescriptor(report, name) ?? {}
  const get: unknown = Reflect.get(native, 'get')
  const set: unknown = Reflect.get(native, 'set')
  if (!isCallable(get) || !isCallable(set)) throw unsupported(`process.report has no ${name}`)
  let chosen: unknown = apply(get, report, [])
  const exclude = (value: unknown): void => {
    apply(set, report, [value])
  }
  const rest = (): void => {
    exclude(atRest || chosen)
  }
  rest()
  Object.defineProperty(report, name, {
    configurable: true,
    enumerable: true,
    get: () => isForced() || chosen,
    set: (value: unknown) => {
      // Validated by Node itself.
      exclude(value)
      chosen = value
      rest()
    },
  })
  return {
    begin: () => {
      exclude(isForced() || chosen)
    },
    end: rest,
  }
}
