/** Forms with files: `multipart/form-data` (RFC 7578, names written as the HTML standard has it). */
import { randomBytes } from 'node:crypto'
import { basename } from 'node:path'
import type { Fields } from '../options.ts'
import { pairsOf } from './fields.ts'
import { fileSource, type Given, joined, type Source, sourceOf } from './source.ts'

/** A part of `files`, checked: `path` or `content`. */
export interface FileGiven {
  readonly name: string
  readonly filename?: string | undefined
  readonly type?: string | undefined
  readonly path?: string | undefined
  readonly content?: Given | undefined
  readonly length?: number | undefined
}

/** The fields of the form first, then the files, in their order. */
export function multipart(form: Fields | undefined, files: readonly FileGiven[], where: string): { boundary: string; source: Source } {
  // As long as no content can hold it by accident.
  const boundary = `troupe-${randomBytes(18).toString('hex')}`
  const literal = (text: string) => sourceOf(text, undefined, where)
  const parts: Source[] = []
  for (const [name, value] of form === undefined ? [] : pairsOf(form)) {
    parts.push(literal(`--${boundary}\r\n${disposition(name, undefined)}\r\n\r\n${value}\r\n`))
  }
  for (const [index, file] of files.entries()) {
    const filename = filenameOf(file)
    const head = `${disposition(file.name, filename)}\r\ncontent-type: ${typeOf(file, filename)}`
    parts.push(literal(`--${boundary}\r\n${head}\r\n\r\n`), contentOf(file, `${where}.files.${index}`), literal('\r\n'))
  }
  parts.push(literal(`--${boundary}--\r\n`))
  return { boundary, source: joined(parts, `${where}.files`) }
}

function contentOf({ path, content = '', length }: FileGiven, where: string): Source {
  return path === undefined ? sourceOf(content, length, `${where}.content`) : fileSource(path, `${where}.path`)
}

function filenameOf({ filename, path, content }: FileGiven): string | undefined {
  if (filename !== undefined) return filename
  if (path !== undefined) return basename(path)
  return content instanceof File ? content.name : undefined
}

function typeOf({ type, content }: FileGiven, filename: string | undefined): string {
  if (type !== undefined) return type
  if (content instanceof Blob && content.type !== '') return content.type
  return typeof content === 'string' && filename === undefined ? 'text/plain;charset=UTF-8' : 'application/octet-stream'
}

function disposition(name: string, filename: string | undefined): string {
  const file = filename === undefined ? '' : `; filename="${quoted(filename)}"`
  return `content-disposition: form-data; name="${quoted(name)}"${file}`
}

function quoted(text: string): string {
  return text.replaceAll('\n', '%0A').replaceAll('\r', '%0D').replaceAll('"', '%22')
}
