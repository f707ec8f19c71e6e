/**
 * Patterns of paths. The links in the folders before the first `*` are resolved when the policy is read, as those of
 * questions are.
 */
import { canonicalPath } from './resource-form.ts'
import { Glob } from '../condition/glob.ts'

export class PathPattern {
  readonly #glob: Glob

  constructor(pattern: string) {
    const star = pattern.indexOf('*')
    const folder = star === -1 ? pattern : pattern.slice(0, pattern.lastIndexOf('/', star) + 1)
    const real = isFolder(folder) ? `${canonicalPath(folder).replace(/\/$/, '')}/` : canonicalPath(folder)
    this.#glob = new Glob(real + pattern.slice(folder.length))
  }

  match(path: string): boolean {
    return this.#glob.match(path)
  }
}

function isFolder(path: string): boolean {
  return path.endsWith('/')
}
