/** Runs functions that respond to requests in the server's own thread. */
import { TroupeError } from '@troupe/core'
import { loadedMethod, loadMethod, type Program } from '@troupe/process'
import type { RequestContext } from './request-context.ts'

export type Answer = Response | Promise<Response>

/** Runs the function of `program`, in the current frame. */
export function answerInline(program: Program, request: Request, context: RequestContext): Answer {
  const method = loadedMethod(program)
  const answer =
    method === undefined ? loadMethod(program).then((loaded) => loaded(request, context)) : method(request, context)
  if (answer instanceof Response) return answer
  return settled(program, answer)
}

async function settled({ entry }: Program, answer: unknown): Promise<Response> {
  const response = await answer
  if (response instanceof Response) return response
  throw new TroupeError('Internal', `${entry} returned ${typeof response} for a request, expected a Response`, {
    details: { entry },
  })
}

/** Loads functions before their first request. The first request reports a function that fails to load. */
export async function warm(programs: readonly Program[]): Promise<void> {
  await Promise.allSettled(
    programs.map(async (program) => (loadedMethod(program) === undefined ? loadMethod(program) : undefined)),
  )
}
