/** Serves the files of a folder (RFC 9110: conditional requests, ranges). */
import { createReadStream } from 'node:fs'
import { open, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { Readable } from 'node:stream'
import type { Handler } from 'hono'
import { getMimeType } from 'hono/utils/mime'
import type { StaticFields } from '../../kinds.ts'
import type { ServerEnvironment } from '../environment.ts'
import { problem } from '../failure.ts'
import { isUnchanged, rangeOf } from './conditions.ts'
import { pathWithin } from './path-within.ts'

interface Found {
  readonly file: string
  readonly size: number
  readonly modified: Date
}

export function serveFolder(fields: StaticFields): Handler<ServerEnvironment> {
  return async ({ req }) => {
    const path = pathWithin(fields, req.path)
    const found = path === undefined ? undefined : await find(fields, path)
    if (found === 'folder') return moved(req.url)
    if (found !== undefined) return answer(fields, found, req.raw)
    const page = isPageRequest(req.header('accept')) && fields.fallback !== undefined ? await find(fields, fields.fallback) : undefined
    return page === undefined || page === 'folder' ? problem(404) : answer(fields, page, req.raw)
  }
}

/** A file below the folder, links resolved: one that leads out of it is not there. */
async function find({ directory, index }: Pick<StaticFields, 'directory' | 'index'>, path: string): Promise<Found | 'folder' | undefined> {
  try {
    const root = await realpath(directory)
    const file = await realpath(join(root, path))
    if (file !== root && !file.startsWith(root + sep)) return undefined
    await using handle = await open(file)
    const stats = await handle.stat()
    if (stats.isFile()) return { file, size: stats.size, modified: stats.mtime }
    if (!stats.isDirectory()) return undefined
    if (path !== '' && !path.endsWith('/')) return 'folder'
    const page = await find({ directory: file, index }, index)
    return page === 'folder' ? undefined : page
  } catch {
    // Not there, or not to be read: for whoever asks that is the same.
    return undefined
  }
}

function answer({ cacheControl }: StaticFields, { file, size, modified }: Found, { headers: asked, method }: Request): Response {
  const etag = `W/"${size.toString(36)}-${modified.getTime().toString(36)}"`
  const headers = new Headers({
    'accept-ranges': 'bytes',
    'cache-control': cacheControl,
    'content-type': getMimeType(file) ?? 'application/octet-stream',
    'x-content-type-options': 'nosniff',
    'last-modified': modified.toUTCString(),
    etag,
  })
  if (isUnchanged(asked, etag, modified)) return new Response(null, { status: 304, headers })
  const range = rangeOf(asked, size, modified)
  if (range === 'unsatisfiable') {
    headers.set('content-range', `bytes */${size}`)
    return new Response(null, { status: 416, headers })
  }
  const { start, end } = range ?? { start: 0, end: size - 1 }
  if (range) headers.set('content-range', `bytes ${start}-${end}/${size}`)
  headers.set('content-length', String(end - start + 1))
  return new Response(size === 0 || method === 'HEAD' ? null : bytesOf(file, start, end), { status: range ? 206 : 200, headers })
}

function bytesOf(file: string, start: number, end: number): ReadableStream<Uint8Array> {
  return Readable.toWeb(createReadStream(file, { start, end }))
}

/** Relative links of a folder's page need the slash. */
function moved(url: string): Response {
  const { pathname, search } = new URL(url)
  return new Response(null, { status: 308, headers: { location: `${pathname}/${search}` } })
}

/** Whether a browser asks for a page to show, not for a part of one. */
function isPageRequest(accept: string | undefined): boolean {
  return accept?.includes('text/html') === true
}
