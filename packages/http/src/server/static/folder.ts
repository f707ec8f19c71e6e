/** Serves the files of a folder (RFC 9110: conditional requests, ranges). */
import { basename } from 'node:path'
import type { Handler } from 'hono'
import { getMimeType } from 'hono/utils/mime'
import type { StaticFields } from '../../config/kinds.ts'
import type { ServerEnvironment } from '../request/request-call.ts'
import { problem } from '../request/problem.ts'
import { isUnchanged, rangeOf } from './conditions.ts'
import { type File, openFile } from './file.ts'
import { pathWithin } from './path-within.ts'

export function serveFolder(fields: StaticFields): Handler<ServerEnvironment> {
  return async ({ req }) => {
    const path = pathWithin(fields, req.path)
    const found = path === undefined ? undefined : await openFile(fields, path)
    if (found === 'folder') return moved(req.url)
    if (found !== undefined) return answer(fields, found, req.raw)
    const page =
      isPageRequest(req.header('accept')) && fields.fallback !== undefined
        ? await openFile(fields, fields.fallback)
        : undefined
    return page === undefined || page === 'folder' ? problem(404) : answer(fields, page, req.raw)
  }
}

async function answer(
  { cacheControl }: StaticFields,
  file: File,
  { headers: asked, method }: Request,
): Promise<Response> {
  const { size, modified } = file
  const etag = `W/"${size.toString(36)}-${modified.getTime().toString(36)}"`
  const headers = new Headers({
    'accept-ranges': 'bytes',
    'cache-control': cacheControl,
    'content-type': getMimeType(basename(file.path)) ?? 'application/octet-stream',
    'x-content-type-options': 'nosniff',
    'last-modified': modified.toUTCString(),
    etag,
  })
  const without = async (status: number) => {
    await file.close()
    return new Response(null, { status, headers })
  }
  if (isUnchanged(asked, etag, modified)) return without(304)
  // For other methods a range is ignored (RFC 9110, 14.2).
  const range = method === 'GET' ? rangeOf(asked, size, modified) : undefined
  if (range === 'unsatisfiable') {
    headers.set('content-range', `bytes */${size}`)
    return without(416)
  }
  const { start, end } = range ?? { start: 0, end: size - 1 }
  if (range) headers.set('content-range', `bytes ${start}-${end}/${size}`)
  headers.set('content-length', String(end - start + 1))
  const status = range ? 206 : 200
  if (size === 0 || method === 'HEAD') return without(status)
  return new Response(file.bytes(start, end), { status, headers })
}

/** Relative links of a folder's page need the slash. */
function moved(url: string): Response {
  const { pathname, search } = new URL(url)
  return new Response(null, { status: 308, headers: { location: `${pathname}/${search}` } })
}

/** Returns whether a browser requests a page to show, not a part of one. */
function isPageRequest(accept: string | undefined): boolean {
  return accept?.includes('text/html') === true
}
