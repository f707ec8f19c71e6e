/**
 * A diagnostic report looks up the host names of both ends of each socket, which asks the host's DNS. In an overlay it shows addresses
 * instead: Node's `excludeNetwork` is in force there, and cannot be turned off. In a sealed thread, and in one with an environment of its own, it
 * shows no environment variables (`excludeEnv`), because those are the program's, not the thread's. Both belong to each thread alone, also in the report of the main thread
 * on all others.
 */
import { unsupported } from '../../sockets/internals.ts'
import { isSealed } from '../../sealed/sealed.ts'
import { threadOverlay } from '../../overlay/thread-network.ts'
import { isCallable, replaceMethod } from './patch.ts'

/** Taken before user code could replace it. */
const { apply } = Reflect

let hasOwnEnvironment = false

/** This thread does not see all of the program's environment. */
export function hideEnvironment(): void {
  hasOwnEnvironment = true
}

/** Something that reports leave out. */
interface Exclusion {
  /** Before a report that code asks for. */
  readonly begin: () => void
  /** After it. */
  readonly end: () => void
}

/**
 * Reports that Node writes by itself, after a crash or on a signal, ask nobody: they never look names up in a guarded thread.
 *
 * @throws TroupeError `Internal` where this Node could not be kept from it.
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
 * Puts an option of `process.report` under control.
 *
 * @param isForced - Whether it is in force here whatever code chooses.
 * @param atRest - Its value while no code asks for a report; code's choice where it is false.
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
      // As Node checks it.
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
