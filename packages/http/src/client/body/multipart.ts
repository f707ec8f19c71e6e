/** Forms with files: `multipart/form-data` (RFC 7578, names encoded as in the HTML standard). */
import { randomBytes } from 'node:crypto'
import { basename } from 'node:path'
import type { Fields } from '../../options.ts'
import { pairsOf } from '../request/header-list.ts'
import { fileSource, type Given, joined, type Source, sourceOf } from './source.ts'

/** A checked part of `files`: `path` or `content`. */
export interface FileGiven {
  readonly name: string
  readonly filename?: string | undefined
  readonly type?: string | undefined
  readonly path?: string | undefined
  readonly content?: Given | undefined
  readonly length?: number | undefined
}

export interface Multipart {
  readonly boundary: string
  readonly source: Source
}

/** Returns the fields of the form first, then the files, in order. */
export function multipart(form: Fields | undefined, files: readonly FileGiven[], where: string): Multipart {
  const parts = new Parts(`${where}.files`)
  for (const [name, value] of form === undefined ? [] : pairsOf(form)) parts.field(name, value)
  for (const [index, file] of files.entries()) parts.file(file, `${where}.files.${index}`)
  return parts.end()
}

/** Returns the entries of a form in order, with line ends as in the HTML standard. */
export function multipartOf(form: FormData, where: string): Multipart {
  const parts = new Parts(where)
  for (const [name, value] of form) {
    if (typeof value === 'string') parts.field(lines(name), lines(value))
    else parts.file({ name: lines(name), filename: value.name, content: value }, where)
  }
  return parts.end()
}

function lines(text: string): string {
  return text.replaceAll(/\r\n|\r|\n/g, '\r\n')
}

class Parts {
  /** Long enough that no content contains it by accident. */
  readonly #boundary = `troupe-${randomBytes(18).toString('hex')}`
  readonly #parts: Source[] = []
  readonly #where: string

  constructor(where: string) {
    this.#where = where
  }

  field(name: string, value: string): void {
    this.#literal(`--${this.#boundary}\r\n${disposition(name, undefined)}\r\n\r\n${value}\r\n`)
  }

  file(file: FileGiven, where: string): void {
    const filename = filenameOf(file)
    const head = `${disposition(file.name, filename)}\r\ncontent-type: ${typeOf(file, filename)}`
    this.#literal(`--${this.#boundary}\r\n${head}\r\n\r\n`)
    this.#parts.push(contentOf(file, where))
    this.#literal('\r\n')
  }

  end(): Multipart {
    this.#literal(`--${this.#boundary}--\r\n`)
    return { boundary: this.#boundary, source: joined(this.#parts, this.#where) }
  }

  #literal(text: string): void {
    this.#parts.push(sourceOf(text, undefined, this.#where))
  }
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
