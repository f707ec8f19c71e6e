/** Functions that answer requests in the server's own thread. */
import { TroupeError } from '@troupe/core'
import { loadedMethod, loadMethod, type Program } from '@troupe/process'
import type { RequestContext } from './request-context.ts'

export type Answer = Response | Promise<Response>

/** Has the function of `program` answer. It runs in whatever frame is in force. */
export function answerInline(program: Program, request: Request, context: RequestContext): Answer {
  const method = loadedMethod(program)
  const answer = method === undefined ? loadMethod(program).then((loaded) => loaded(request, context)) : method(request, context)
  if (answer instanceof Response) return answer
  return settled(program, answer)
}

async function settled({ entry }: Program, answer: unknown): Promise<Response> {
  const response = await answer
  if (response instanceof Response) return response
  throw new TroupeError('Internal', `${entry} answered a request with ${typeof response}, not with a Response`, { details: { entry } })
}

/** Loads what is to answer before it is asked. What does not load is told by the first request. */
export async function warm(programs: readonly Program[]): Promise<void> {
  await Promise.allSettled(programs.map(async (program) => (loadedMethod(program) === undefined ? loadMethod(program) : undefined)))
}
