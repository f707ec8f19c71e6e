/**
 * Dispatches requests from threads: checks the caller's role, then the shape of the request, then calls its handler.
 */
import { errorToWire, invalid, TroupeError } from '@troupe/core'
import { release } from '../protocol/foreign-handles.ts'
import type { Request, RequestName, Requests } from '../protocol/requests.ts'
import { quoted } from '../protocol/validators.ts'
import { requestRules } from '../protocol/request-rules.ts'
import type { KernelParts } from './kernel-parts.ts'
import type { Handlers, Requester } from './request-handler.ts'
import { builtInHandlers } from './requests.ts'
import { requesterOf } from './authorization/caller-role.ts'
import { checkSealedThread } from './authorization/sealed-thread-limits.ts'
import type { Thread } from '../worker-threads/thread.ts'

/** Maximum length of a path in an error for the caller. */
const longestPath = 1024

export class RequestDispatcher {
  readonly #kernel: KernelParts
  #handlers: Handlers = {}

  constructor(kernel: KernelParts) {
    this.#kernel = kernel
  }

  addBuiltIn(kernel: KernelParts): void {
    this.#handlers = builtInHandlers(kernel)
  }

  /** @throws TroupeError `Internal` if no rule exists for requests of that name. */
  handle<Name extends RequestName>(name: Name, handler: Handlers[Name]): void {
    if (!Object.hasOwn(requestRules, name))
      throw new TroupeError('Internal', `protocol/request-rules.ts has no rule for requests "${name}"`)
    this.#handlers[name] = handler
  }

  async answer(thread: Thread, request: Request): Promise<void> {
    const { number, name } = request
    try {
      const record = requesterOf(this.#kernel, request, thread)
      const transfer: object[] = []
      checkQuestion(request)
      if (thread.sealed) checkSealedThread(this.#kernel, request, record)
      const value = await this.#dispatch(name, request.ask, { record, thread, number, transfer })
      // The result of a function was already copied on its way from the thread that ran it.
      if (name === 'call') thread.hand({ type: 'answer', number, value })
      else if (transfer.length > 0) thread.transfer({ type: 'answer', number, value }, transfer)
      else thread.post({ type: 'answer', number, value })
    } catch (error) {
      thread.post({ type: 'refusal', number, error: errorToWire(error) })
    }
  }

  #dispatch<Name extends RequestName>(name: Name, ask: Requests[Name]['ask'], requester: Requester) {
    const handler = this.#handlers[name]
    if (handler === undefined) throw invalid(`this application has no handler for the request "${name}"`)
    return handler(ask, requester)
  }
}

/** @throws TroupeError `Invalid`, with the path of the wrong field. */
function checkQuestion({ name, ask }: Request): void {
  const wrong = requestRules[name].ask(ask)
  if (wrong === undefined) return
  release(ask)
  throw invalid(`a request "${name}" is wrong at ${quoted(wrong)}`, { request: name, path: wrong.slice(0, longestPath) })
}
