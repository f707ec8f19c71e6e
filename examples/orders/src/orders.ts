import { queues, type RequestContext } from 'troupe'

const queue = 'app:orders'

/** POST /orders/7?customer=ann. The response comes when the order is on the disk. */
export async function publish(request: Request, { params }: RequestContext): Promise<Response> {
  const id = params['id'] ?? ''
  const key = new URL(request.url).searchParams.get('customer') ?? 'unknown'
  const { isDuplicate } = await queues.publish(queue, { id }, { id, key })
  return Response.json({ id, isDuplicate }, { status: isDuplicate ? 200 : 202 })
}

/** GET /orders/7 */
export async function show(_request: Request, { params }: RequestContext): Promise<Response> {
  const job = await queues.job(queue, params['id'] ?? '')
  if (job === undefined) return new Response('no such order\n', { status: 404 })
  const { id, state, attempts, result, errors } = job
  return Response.json({ id, state, attempts, result, error: errors.at(-1)?.message })
}

/** POST /dead/7: lets an order run again that is dead. */
export async function replay(_request: Request, { params }: RequestContext): Promise<Response> {
  return Response.json({ isReplayed: await queues.replay(queue, params['id'] ?? '') })
}
