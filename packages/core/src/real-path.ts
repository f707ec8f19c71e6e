/** One spelling for the paths of files and Unix sockets. */
import { readlinkSync, realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'

/** The number of links that Linux follows. */
const maxLinks = 40

/**
 * Returns `path` without dots, doubled slashes and links. If the path does not exist, its existing folders are
 * resolved. A relative path is relative to the folder that the program was started in.
 */
export function realPath(path: string): string {
  const rest: string[] = []
  let at = resolve(path)
  let links = 0
  for (;;) {
    try {
      return join(realpathSync.native(at), ...rest)
    } catch {
      const target = links < maxLinks ? linkAt(at) : undefined
      const above = dirname(at)
      if (target !== undefined) {
        links += 1
        at = resolve(above, target)
      } else if (above === at) return join(at, ...rest)
      else {
        rest.unshift(basename(at))
        at = above
      }
    }
  }
}

function linkAt(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}
