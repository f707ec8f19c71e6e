/** The errors of calls that need an application, in a thread where none runs, or where it has stopped. */
import { invalid, type TroupeError } from '@troupe/core'

let state: 'none' | 'running' | 'stopped' = 'none'

/** An application has started or stopped in this thread. */
export function noteApplication(isThere: boolean): void {
  if (isThere) state = 'running'
  else if (state === 'running') state = 'stopped'
}

/** The error when no application runs here. */
export function noApplication(): TroupeError {
  return state === 'stopped'
    ? hasStopped()
    : invalid('no Troupe application runs in this thread: boot one, or call from inside a process or function', {
        reason: 'none',
      })
}

/** The error when the application in which code acts has stopped. */
export function hasStopped(): TroupeError {
  return invalid('the application of this program has stopped: use it before stop() is called, or boot another', {
    reason: 'stopped',
  })
}

/** The error when code in no slot could mean any of the applications that run here. */
export function severalApplications(count: number): TroupeError {
  return invalid(
    `${count} applications run in this program, and it is not known which one is meant: ` +
      'use the methods of the application, or call this in app.run(() => …)',
    { reason: 'several' },
  )
}

/** The error when an application runs, but the calling process or function is unknown. */
export function noCaller(): TroupeError {
  if (state !== 'running') return noApplication()
  return invalid(
    'the async context is lost, so it is not known which process ' +
      'or function calls: keep the context for the callback with ' +
      'AsyncLocalStorage.bind() or AsyncResource.bind()',
    { reason: 'lostContext' },
  )
}
