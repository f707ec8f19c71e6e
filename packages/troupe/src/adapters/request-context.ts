/** What the adapters share: the context in which a request of a web framework is handled, and the health of the app. */
import {
  type Actor,
  childTrace,
  type FrameChange,
  fork,
  parseDuration,
  runInSlot,
  type Slot,
  traceOfFields,
} from '@troupe/core'
import type { App } from '../embed/app.ts'

/** Options of the adapters. */
export interface AdapterOptions<Request> {
  /** On whose behalf a request is handled: calls and spawns in its handler have this actor. @default none */
  readonly actor?: (request: Request) => Actor | undefined
  /**
   * The deadline of calls in a handler: milliseconds, or a duration such as `5s`, from the begin of the request.
   *
   * @default none
   */
  readonly timeout?: number | string
  /** The path of the health route; `null` for none. @default `/healthz` */
  readonly health?: string | null
}

/** Creates the contexts of requests. */
export class RequestContexts<Request> {
  readonly health: string | null
  readonly #app: App
  readonly #actor: AdapterOptions<Request>['actor']
  readonly #timeout: number | undefined

  /** @throws TroupeError `Invalid` for a text that is no duration. */
  constructor(app: App, { actor, timeout, health = '/healthz' }: AdapterOptions<Request>) {
    this.health = health
    this.#app = app
    this.#actor = actor
    this.#timeout = typeof timeout === 'string' ? parseDuration(timeout) : timeout
  }

  /** Returns the context of a request: of the program, with the actor, the trace and the deadline of the request. */
  begin(request: Request, traceparent: unknown, tracestate: unknown): Slot {
    const actor = this.#actor?.(request)
    const from = traceOfFields(traceparent, tracestate)
    const change: FrameChange = {
      ...(actor && { actor }),
      ...(from && { trace: childTrace(from.trace), traceState: from.traceState }),
      ...(this.#timeout !== undefined && { deadline: Date.now() + this.#timeout }),
    }
    const { owner, frame } = this.#app.application.kernel.runtime.root.slot()
    return { owner, frame: fork(frame, change) }
  }

  /** The response of the health route: 503 while a service that starts with the application does not run. */
  status(): Health {
    const services = this.#app.application.services()
    const failed = services.filter(({ state }) => state === 'Failed').map(({ id }) => id)
    return { code: failed.length === 0 ? 200 : 503, body: { state: failed.length === 0 ? 'up' : 'down', failed } }
  }
}

/** The response of the health route. */
export interface Health {
  readonly code: 200 | 503
  readonly body: { readonly state: 'up' | 'down'; readonly failed: readonly string[] }
}

/** Runs `fn` in the context of a request. */
export const within: <T>(slot: Slot, fn: () => T) => T = runInSlot
