/** Finds the file for a URL's path inside a folder. */
import type { StaticFields } from '../../config/kinds.ts'

/**
 * Returns `undefined` where there can be no such file: the path is not under the prefix, leads out of the folder, is
 * badly encoded, or names a hidden file. Compares segments after all decoding, so that no spelling of `..` is accepted.
 */
export function pathWithin(
  { path: prefix, dotfiles }: Pick<StaticFields, 'path' | 'dotfiles'>,
  pathname: string,
): string | undefined {
  const base = prefix.endsWith('/') ? prefix : `${prefix}/`
  if (pathname !== prefix && !pathname.startsWith(base)) return undefined
  const rest = decoded(pathname.slice(base.length))
  if (rest === undefined || /[\0\\]/.test(rest)) return undefined
  const segments = rest.split('/')
  const isWrong = (segment: string, index: number) =>
    segment === '.' ||
    segment === '..' ||
    (segment === '' && index < segments.length - 1) ||
    (segment.startsWith('.') && !dotfiles && segment !== '.well-known')
  return segments.some(isWrong) ? undefined : rest
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
