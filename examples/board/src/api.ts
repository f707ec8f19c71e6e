/** Functions that handle requests: each takes a `Request` and returns a `Response`. */
import { createHash } from 'node:crypto'
import { processes, type RequestContext, TroupeError } from 'troupe'
import type { Note } from './board.ts'

export async function list(): Promise<Response> {
  return Response.json(await notes())
}

export async function pin(request: Request): Promise<Response> {
  const text = await request.text()
  if (text.trim() === '') throw new TroupeError('Invalid', 'a note has some text') // becomes a 400 response
  return Response.json(await processes.call('app:board', 'pin', text), { status: 201 })
}

export async function show(_: Request, { params }: RequestContext): Promise<Response> {
  const note = (await notes()).find(({ id }) => String(id) === params['id'])
  // Becomes a 404 response.
  if (note === undefined) throw new TroupeError('NotFound', `there is no note ${params['id']}`)
  return new Response(note.text)
}

/** Computes for a while, in a thread of a pool: other requests are served meanwhile. */
export async function digest(_: Request, { params }: RequestContext): Promise<Response> {
  let hash = JSON.stringify(await notes())
  for (let round = 0; round < Math.min(Number(params['rounds']), 1_000_000); round += 1)
    hash = createHash('sha256').update(hash).digest('hex')
  return new Response(hash)
}

async function notes(): Promise<readonly Note[]> {
  const found: unknown = await processes.call('app:board', 'list')
  return Array.isArray(found) ? found.filter(isNote) : []
}

function isNote(value: unknown): value is Note {
  return typeof value === 'object' && value !== null && 'id' in value && 'text' in value
}
