/** Reads text files, which must be UTF-8. */
import { readFile } from 'node:fs/promises'
import { readGivenFile, refusePipe, TroupeError } from '@troupe/core'
import type { SourcePosition } from './source-position.ts'

/** The text of a file; if it is not UTF-8, a problem at the first invalid byte. */
export interface TextFile {
  readonly text: string
  readonly fault?: { readonly message: string; readonly place: SourcePosition }
}

/**
 * Reads a file as UTF-8.
 *
 * @throws TroupeError `NotFound` with the reason when it cannot be read; `Invalid` for a pipe.
 */
export async function readUtf8(file: string): Promise<TextFile> {
  refusePipe(file)
  const bytes = await readFile(file).catch((error: unknown) => {
    throw unreadable(file, error)
  })
  return decodeUtf8(bytes, file)
}

/** Like {@link readUtf8}, but synchronous. */
export function readUtf8Now(file: string): TextFile {
  try {
    return decodeUtf8(readGivenFile(file), file)
  } catch (error) {
    throw unreadable(file, error)
  }
}

function unreadable(file: string, error: unknown): TroupeError {
  if (error instanceof TroupeError) return error
  return new TroupeError('NotFound', `the file ${file} cannot be read: ${reasonOf(error)}`, {
    cause: error,
    details: { file },
  })
}

/** Returns the text of `bytes`, which were read from `file`. */
export function decodeUtf8(bytes: Uint8Array, file: string): TextFile {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) }
  } catch {
    return {
      text: '',
      fault: { message: `this is not UTF-8${likely(bytes)}: save it as UTF-8`, place: placeOfFault(bytes, file) },
    }
  }
}

/** The offset up to which all bytes are UTF-8. */
function placeOfFault(bytes: Uint8Array, file: string): SourcePosition {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  const lines = decoder.decode(bytes).split('\uFFFD', 1)[0]?.split('\n') ?? []
  return { file, line: Math.max(lines.length, 1), column: (lines.at(-1)?.length ?? 0) + 1 }
}

function likely(bytes: Uint8Array): string {
  const [first, second] = bytes
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return ', but UTF-16'
  return ''
}

function reasonOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
