import { funcs, type RequestContext, TroupeError } from 'troupe'

const parts = 4

/** GET /primes/1000000 */
export async function primes(_request: Request, { params }: RequestContext): Promise<Response> {
  const limit = Number(params['limit'])
  if (!(limit > 0 && limit <= 10_000_000)) throw new TroupeError('Invalid', 'the limit is a number up to 10000000')
  const step = Math.ceil(limit / parts)
  const ranges = Array.from({ length: parts }, (_, part) => [part * step, Math.min((part + 1) * step, limit)] as const)
  const found = await Promise.all(ranges.map(async ([from, to]) => funcs.call('app:sieve', from, to)))
  return Response.json(await funcs.call('app:summary', found))
}
