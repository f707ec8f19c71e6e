/**
 * `token_auth`: authenticates the caller by a token (RFC 6750). The kernel decides which actor and scope the token
 * represents; the handler runs under them.
 */
import { emptyFrame, fork, type Frame, type Pid } from '@troupe/core'
import {
  ask,
  currentRuntime,
  emptySelection,
  inheritedContext,
  LocalTask,
  type LocalTaskOptions,
} from '@troupe/process'
import type { Context, MiddlewareHandler, Next } from 'hono'
import { getCookie } from 'hono/cookie'
import { isTokenText } from '../tokens/token-text.ts'
import type { TokenAuthOptions } from './options.ts'
import type { MiddlewareContext } from './middleware-context.ts'

export function tokenAuth(options: TokenAuthOptions, tools: MiddlewareContext): MiddlewareHandler {
  const { store, required, realm } = options
  const challenge = (context: Context, error?: string) => {
    const reason = error === undefined ? '' : `, error="${error}"`
    const words = `Bearer realm="${realm.replaceAll(/["\\]/g, '\\$&')}"${reason}`
    return context.text('Unauthorized', 401, { 'www-authenticate': words, 'cache-control': 'no-store' })
  }
  return async (context, next) => {
    const token = tokenOf(context, options)
    if (token === undefined) return required ? challenge(context) : next()
    // A text that cannot be a token is not sent to the kernel.
    if (!isTokenText(token)) return challenge(context, 'invalid_token')
    const session = await ask('openSession', { store, token, inherit: inheritedContext(emptySelection) })
    if (session === undefined) return challenge(context, 'invalid_token')
    return actAs(session, context, next, tools)
  }
}

function tokenOf(context: Context, { header, cookie, query }: TokenAuthOptions): string | undefined {
  const authorization = header ? context.req.header('authorization') : undefined
  // Credentials of another scheme are not tokens, and are ignored here.
  const bearer = authorization === undefined ? undefined : /^bearer +(.*)$/i.exec(authorization)?.[1]
  if (bearer !== undefined) return bearer.trim()
  const cookieValue = cookie === undefined ? undefined : getCookie(context, cookie)
  return cookieValue ?? (query === undefined ? undefined : context.req.query(query))
}

/** Runs the rest of a request under an identity of the kernel, until the response has ended. */
async function actAs(
  { pid, frame }: { readonly pid: Pid; readonly frame: Frame },
  context: Context,
  next: Next,
  { onEnd, failed, cut }: MiddlewareContext,
): Promise<void> {
  const runtime = currentRuntime()
  const { kernel, tasks } = runtime
  const own = fork(emptyFrame, frame)
  context.set('session', { pid, frame: own })
  const onCut = (reason: string) => cut(context, reason)
  const call = new SessionCall({ pid, runtime, issued: own, frame: own, depth: 0, onCut })
  tasks.enter(call)
  const { promise: over, resolve: end } = Promise.withResolvers<void>()
  onEnd(context, () => {
    tasks.leave(call)
    call.close('the request has ended')
    end()
  })
  let isAnswered = false
  await new Promise<void>((resolve, reject) => {
    const run = call.run(async () => {
      await next()
      isAnswered = true
      resolve()
      // Code of the same actor may still be sending the body of the response.
      await over
    })
    run
      .catch((error: unknown) => {
        if (isAnswered) failed(context, error)
        reject(error)
        return over
      })
      .finally(() => {
        kernel.notify({ type: 'finished', pid, exit: { value: undefined } })
      })
  })
}

interface SessionCallOptions extends LocalTaskOptions {
  readonly onCut: (reason: string) => void
}

/** The rest of a request, which ends when its identity loses its permission to act. */
class SessionCall extends LocalTask {
  #onCut: ((reason: string) => void) | undefined

  constructor(options: SessionCallOptions) {
    super(options)
    this.#onCut = options.onCut
  }

  override cancel(reason: string): void {
    super.cancel(reason)
    this.#onCut?.(reason)
  }

  /** Handles the normal end of the request: only code that still runs is notified. */
  close(reason: string): void {
    this.#onCut = undefined
    this.cancel(reason)
  }
}
