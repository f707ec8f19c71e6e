/**
 * The context of OpenTelemetry that is in force: that of the code's frame, or one that other code has put in force
 * there. So spans of libraries are children of the message, call or request in which they begin.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type * as Api from '@opentelemetry/api'
import { currentFrame } from '@troupe/core'

interface Entered {
  readonly context: Api.Context
  /** The trace of the frame at that time: a process that takes the next message has another one. */
  readonly trace: string | undefined
}

export class FrameContexts implements Api.ContextManager {
  readonly #entered = new AsyncLocalStorage<Entered>()
  readonly #contextOf: (trace: string | undefined) => Api.Context

  /** @param contextOf - The context of work at a place in a trace, or of work outside of all. */
  constructor(contextOf: (trace: string | undefined) => Api.Context) {
    this.#contextOf = contextOf
  }

  active(): Api.Context {
    const entered = this.#entered.getStore()
    const trace = currentFrame()?.trace
    return entered !== undefined && entered.trace === trace ? entered.context : this.#contextOf(trace)
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: Api.Context,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    const entered = { context, trace: currentFrame()?.trace }
    return this.#entered.run(entered, () => fn.call(thisArg, ...args))
  }

  bind<T>(context: Api.Context, target: T): T
  bind(context: Api.Context, target: unknown): unknown {
    if (typeof target !== 'function') return target
    const contexts = this.#entered
    return function bound(this: unknown, ...args: unknown[]): unknown {
      return contexts.run({ context, trace: currentFrame()?.trace }, (): unknown => Reflect.apply(target, this, args))
    }
  }

  enable(): this {
    return this
  }

  disable(): this {
    return this
  }
}
