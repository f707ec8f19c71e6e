/** Files of `NAME=value` lines, in the format that Node reads. */
import { randomUUID } from 'node:crypto'
import { closeSync, fsyncSync, mkdirSync, openSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { isDeepStrictEqual, parseEnv } from 'node:util'
import { invalid, readGivenFile, TroupeError } from '@troupe/core'
import { decodeUtf8 } from '../yaml/utf8.ts'

/** Returns the variables of `file`; none when the file does not exist. */
export function readDotenv(file: string): ReadonlyMap<string, string> {
  return parse(readIfExists(file))
}

/**
 * Sets one variable in `file`. The file is replaced atomically and gets mode 0600. Comments and the other lines are
 * kept, unless the variable's old value spanned several lines.
 *
 * @throws TroupeError `Invalid` when such a file cannot contain the name or the value.
 */
export function writeDotenv(file: string, name: string, value: string): void {
  const text = readIfExists(file)
  const wanted = new Map(parse(text)).set(name, value)
  const line = assignment(name, value)
  const next = [withLine(text, name, line), Array.from(wanted, ([key, item]) => assignment(key, item)).join('')].find(
    (candidate) => isDeepStrictEqual(parse(candidate), wanted),
  )
  if (line === '' || next === undefined)
    throw invalid(
      `the variable ${name} cannot be written to ${file}: the file format cannot represent its name or value`,
    )
  replaceFile(file, next)
}

function parse(text: string): ReadonlyMap<string, string> {
  return new Map(Object.entries(parseEnv(text)).map(([key, value]) => [key, value ?? '']))
}

/**
 * A line that parses as `value`; `undefined` when no quote fits. Node turns `\n` into a line break inside double quotes
 * only.
 */
function assignment(name: string, value: string): string {
  const quote = ["'", '`', '"'].find((mark) => !value.includes(mark))
  return /^[A-Za-z_][\w.-]*$/.test(name) && quote !== undefined ? `${name}=${quote}${value}${quote}\n` : ''
}

function withLine(text: string, name: string, line: string): string {
  const old = new RegExp(`^[ \\t]*(?:export[ \\t]+)?${name.replaceAll('.', '\\.')}[ \\t]*=.*(?:\\n|$)`, 'm')
  if (old.test(text)) return text.replace(old, () => line)
  return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${line}`
}

function readIfExists(file: string): string {
  const bytes = bytesIfExists(file)
  if (bytes === undefined) return ''
  const { text, fault } = decodeUtf8(bytes, file)
  if (fault === undefined) return text
  throw invalid(`${file}:${fault.place.line}:${fault.place.column}: ${fault.message}`, { file })
}

function bytesIfExists(file: string): Uint8Array | undefined {
  try {
    return readGivenFile(file)
  } catch (error) {
    if (error instanceof TroupeError) throw error
    if (hasCode(error, 'ENOENT')) return undefined
    throw new TroupeError('Unavailable', `the file of variables ${file} cannot be read`, {
      cause: error,
      details: { file },
    })
  }
}

function replaceFile(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const target = realPath(file)
  const temporary = `${target}.${randomUUID()}`
  try {
    const handle = openSync(temporary, 'wx', 0o600)
    try {
      writeFileSync(handle, text)
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
    renameSync(temporary, target)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw new TroupeError('Unavailable', `the file of variables ${file} cannot be written`, {
      cause: error,
      details: { file },
    })
  }
}

/** A symbolic link is kept: the file that it leads to is replaced. */
function realPath(file: string): string {
  try {
    return realpathSync(file)
  } catch {
    return file
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
