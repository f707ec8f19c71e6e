/** Paths of files and Unix sockets in one spelling. */
import { readlinkSync, realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'

/** As Linux follows. */
const maxLinks = 40

/**
 * `path` without dots, doubled slashes and links, where it leads to nothing too: then the folders that are there are followed. A relative path
 * is one of the folder that the program was started in.
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
