/**
 * The requests of threads: one table of what each may contain, who may send it, and what handles it. Each request is
 * checked for the role of its caller, then for its shape, then for the seal of its thread, and then handled.
 */
import { denied, emptyFrame, errorToWire, invalid, threadOf } from '@troupe/core'
import { release } from '../protocol/foreign-handles.ts'
import type { KernelRequests, Request, RequestName, RequestRule } from '../protocol/requests.ts'
import { quoted } from '../protocol/validators.ts'
import { faultIn, kernelRequests } from '../protocol/request-rules.ts'
import type { KernelParts } from './kernel-parts.ts'
import type { Handler, KernelHandlers, KnownRequest } from './request-handler.ts'
import { withoutHints } from './authorization/hidden-hints.ts'
import type { ProcessRecord } from './process-table.ts'
import { checkSealedThread } from './authorization/sealed-thread-limits.ts'
import type { Thread } from '../worker-threads/thread.ts'

/** Maximum length of a path in an error for the caller. */
const longestPath = 1024

type Parts = Pick<KernelParts, 'authorizer' | 'hosts' | 'privileges' | 'processes'>

export class RequestDispatcher {
  readonly #kernel: Parts
  readonly #known = new Map<string, KnownRequest>()

  constructor(kernel: Parts) {
    this.#kernel = kernel
  }

  /** Adds the requests of this package. */
  addOwn(handlers: KernelHandlers): void {
    for (const name of Object.keys(kernelRequests).filter(isOwn)) {
      const handle = handlers[name]
      this.#known.set(name, { rule: kernelRequests[name], ...(handle && { handle }) })
    }
  }

  /** Adds a request of a package above this one, or the handler of one that threads of this package send. */
  add<Name extends RequestName>(name: Name, rule: RequestRule<Name>, handle: Handler<Name>): void {
    this.#known.set(name, { rule, handle })
  }

  /** The requests that have a handler. */
  get handled(): readonly string[] {
    return [...this.#known].filter(([, known]) => known.handle !== undefined).map(([name]) => name)
  }

  /** Describes what is wrong with a message that a thread posted; `undefined` for a valid message to the kernel. */
  readonly faultIn = (message: unknown): string | undefined => faultIn(message, this.#known)

  /** @throws TroupeError `Invalid` for a request that the kernel does not know. */
  #find(name: string): KnownRequest {
    const known = this.#known.get(name)
    if (known !== undefined) return known
    throw invalid(`the kernel knows no request ${quoted(name)}`)
  }

  async answer(thread: Thread, request: Request): Promise<void> {
    const { number, name } = request
    let record: ProcessRecord | undefined
    try {
      const known = this.#find(name)
      const { rule } = known
      record = requesterOf(this.#kernel, request, rule, thread)
      checkShape(request, rule)
      if (thread.sealed) checkSealedThread(this.#kernel, request, rule, record)
      if (known.handle === undefined) throw invalid(`this application has no handler for the request "${name}"`)
      const transfer: object[] = []
      const value = await known.handle(request.ask, { record, thread, number, transfer })
      if (rule.handsOver === true) thread.hand({ type: 'answer', number, value })
      else if (transfer.length > 0) thread.transfer({ type: 'answer', number, value }, transfer)
      else thread.post({ type: 'answer', number, value })
    } catch (error) {
      const carried = errorToWire(error)
      const isGoverned = record === undefined || this.#kernel.authorizer.governs(record)
      thread.post({ type: 'refusal', number, error: isGoverned ? withoutHints(carried) : carried })
    }
  }
}

/**
 * Identifies the caller of a request, and checks whether its role allows the request at all. The role is what the
 * kernel started it as.
 *
 * @throws TroupeError `PermissionDenied`
 */
function requesterOf(options: Parts, request: Request, rule: RequestRule, thread: Thread): ProcessRecord {
  const record = claimant(options, request, rule, thread)
  const { by } = rule
  const { pid, role = 'process' } = record
  if (by === 'anyone' || by.includes(role)) return record
  const { name } = request
  throw denied(`${pid} is a ${role}, which may not send the request "${name}"`, { action: name, resource: pid })
}

/**
 * The thread's own network is the same for all code in it. So its route is also given to code whose process has ended
 * or is unknown. The same applies to connections of sealed threads if policies govern none of their code.
 */
function claimant(
  { processes, privileges }: Parts,
  { by }: Request,
  { forThread }: RequestRule,
  thread: Thread,
): ProcessRecord {
  const isForThread =
    forThread === 'always' || (forThread === 'ungoverned' && !privileges.of(thread.number).policyEnforced)
  if (!isForThread || threadOf(by) !== thread.number || processes.get(by) !== undefined)
    return processes.claimant(by, thread.number)
  return { pid: by, entry: undefined, frame: emptyFrame, host: undefined, onExit: undefined }
}

/** @throws TroupeError `Invalid`, with the path of the wrong field. */
function checkShape({ name, ask }: Request, rule: RequestRule): void {
  const wrong = rule.ask(ask)
  if (wrong === undefined) return
  release(ask)
  throw invalid(`a request "${name}" is wrong at ${quoted(wrong)}`, {
    request: name,
    path: wrong.slice(0, longestPath),
  })
}

function isOwn(name: string): name is keyof KernelRequests {
  return Object.hasOwn(kernelRequests, name)
}
