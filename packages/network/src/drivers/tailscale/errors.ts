/**
 * The errors of one request to a node. They name the overlay and the target; they never contain the sidecar's socket or
 * its id of the node.
 */
import { type ErrorKind, TroupeError } from '@troupe/core'
import type { Route } from '../../overlay/route.ts'
import { meaningOf, type Refusal } from './error-codes.ts'

const absent = 'ENONODE'

export class Failures {
  readonly #route: Route
  readonly #asked: string
  readonly #target: string

  /**
   * @param asked - What was requested: `a connection to web:80`.
   * @param target - `host:port`, or the name or address of a look-up.
   */
  constructor(route: Route, asked: string, target: string) {
    this.#route = route
    this.#asked = asked
    this.#target = target
  }

  canceled(): TroupeError {
    return this.#failure('Canceled', 'was canceled')
  }

  /** The caller's timeout. */
  timedOut(timeout: number): TroupeError {
    return this.#failure('Timeout', `took longer than ${timeout} ms`, { timeout })
  }

  /** The sidecar does not run, or has ended meanwhile: it is started again. */
  noSidecar(code: string): TroupeError {
    return this.#failure(
      'Unavailable',
      `failed: the sidecar of the tailnet is not available (${code}); it is restarted if it has ended`,
      { code },
    )
  }

  refused({ code, error }: Refusal): TroupeError {
    const { kind, target } = meaningOf(code)
    if (code === absent)
      return this.#failure(kind, `failed: its node is not in the tailnet: ${error} (${code})`, { code })
    if (target) return this.#failure(kind, `failed: ${error} (${code})`, { replyCode: code, reply: error })
    return this.#failure(kind, `failed: ${error} (${code})`, { code })
  }

  /** The sidecar sent an invalid reply. */
  alien(): TroupeError {
    return this.#failure('Internal', 'failed: the sidecar sent an invalid reply. Is it of another version?')
  }

  #failure(kind: ErrorKind, what: string, details: Readonly<Record<string, unknown>> = {}): TroupeError {
    const { overlay } = this.#route
    return new TroupeError(kind, `${this.#asked} through overlay ${overlay} ${what}`, {
      details: { overlay, target: this.#target, ...details },
    })
  }
}
