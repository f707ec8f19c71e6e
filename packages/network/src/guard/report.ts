/**
 * A diagnostic report looks up the host names of both ends of each socket, which asks the host's DNS. In an overlay it shows addresses
 * instead: Node's `excludeNetwork` is in force there, and cannot be turned off. It belongs to each thread alone, also in the report of the
 * main thread on all others.
 */
import { unsupported } from './internals.ts'
import { isSealed } from '../sealed/sealed.ts'
import { threadOverlay } from '../thread-network.ts'
import { isCallable, replaceMethod } from './wrap.ts'

/**
 * Reports that Node writes by itself, after a crash or on a signal, ask nobody: they never look names up in a guarded thread.
 *
 * @throws TroupeError `Internal` where this Node could not be kept from it.
 */
export function guardReports(): void {
  const { report } = process
  const native: object = Object.getOwnPropertyDescriptor(report, 'excludeNetwork') ?? {}
  const get: unknown = Reflect.get(native, 'get')
  const set: unknown = Reflect.get(native, 'set')
  if (!isCallable(get) || !isCallable(set)) throw unsupported('process.report has no excludeNetwork')
  let chosen: unknown = Reflect.apply(get, report, [])
  const exclude = (value: unknown): void => {
    Reflect.apply(set, report, [value])
  }
  const isForced = () => isSealed() || threadOverlay() !== null
  exclude(true)
  Object.defineProperty(report, 'excludeNetwork', {
    configurable: true,
    enumerable: true,
    get: () => isForced() || chosen,
    set: (value: unknown) => {
      // As Node checks it.
      exclude(value)
      exclude(true)
      chosen = value
    },
  })
  for (const name of ['getReport', 'writeReport']) {
    replaceMethod(report, name, (original, self, args) => {
      if (isForced()) return Reflect.apply(original, self, args)
      exclude(chosen)
      try {
        return Reflect.apply(original, self, args)
      } finally {
        exclude(true)
      }
    })
  }
}
