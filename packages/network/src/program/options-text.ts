/** `NODE_OPTIONS` of a whole program: the preload first, then the options of the user. */
import { preloadPath } from './paths.ts'

const ownOption = `--require ${quoted(preloadPath)}`

/** Node splits the variable at blanks; within quotes a backslash escapes the next character. */
function quoted(path: string): string {
  return /[\s"\\]/.test(path) ? `"${path.replaceAll(/["\\]/g, String.raw`\$&`)}"` : path
}

/** Returns `NODE_OPTIONS` with the preload before the options of the user. */
export function withPreload(options: string | undefined): string {
  const own = withoutPreload(options)
  return own === '' ? ownOption : `${ownOption} ${own}`
}

/** Returns the options of the user. */
export function withoutPreload(options = ''): string {
  return options.replaceAll(ownOption, '').trim()
}
