/** Handles a request: a process fetches the price. */
import { processes, type RequestContext } from 'troupe'

export async function priceOf(_: Request, { params }: RequestContext): Promise<Response> {
  return Response.json(await processes.exec('app:quote', 'app:threads', params['item']))
}
