/** How an operating-system process ended. */
import { errorFromWire, TroupeError, type WireError } from '@troupe/core'
import { exitFailure } from '../../worker-threads/thread-failure.ts'

/** The report of the launcher (`packages/tsnet/launcher`). */
export interface Report {
  readonly started?: Started
  readonly failed?: string
  readonly ended?: Ended
}

export interface Started {
  readonly namespaces: boolean
  readonly why?: string
  /** The folder of its cgroup. */
  readonly cgroup?: string
  readonly cgroup_why?: string
  /** Limits of the cgroup whose controllers are not available. */
  readonly unlimited?: readonly string[]
}

interface Ended {
  readonly code: number
  readonly signal?: string
}

/** Reported by the process itself, or by its launcher. */
export type End = { readonly error: WireError } | { readonly ended: Ended }

/** @param lastWords - The end of its stderr output. */
export function endOf(end: End | undefined, lastWords: string): TroupeError {
  if (end === undefined) return new TroupeError('Unavailable', 'its process has ended')
  if ('error' in end) return new TroupeError('Internal', `its process failed: ${errorFromWire(end.error).message}`)
  const { code, signal } = end.ended
  if (signal === undefined) return exitFailure(code)
  return new TroupeError('Internal', reasonOf(signal, lastWords), { details: { signal } })
}

function reasonOf(signal: string, lastWords: string): string {
  if (signal === 'OOM') return 'it ran out of memory'
  if (signal === 'SIGXCPU') return 'it used up its time on the processor'
  if (lastWords.includes('heap out of memory')) return 'it ran out of heap'
  return lastWords.includes('out of memory') ? 'it ran out of memory' : `its process was ended by ${signal}`
}
