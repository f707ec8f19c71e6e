/** Reads the `package.json` above a file. */
import { findPackageJSON } from 'node:module'
import { readGivenFile } from '@troupe/core'
import { existsSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { z } from 'zod'

export type PackageType = 'module' | 'commonjs'

const packageJson = z.object({ type: z.enum(['module', 'commonjs']).optional().catch(undefined) }).catch({})

/** The `type` of the nearest `package.json`, and its path as shown to a user. */
export function declaredType(file: string): { readonly type: PackageType | undefined; readonly file: string } {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const found = join(folder, 'package.json')
    if (existsSync(found)) return { type: packageJson.parse(jsonOf(found)).type, file: relative(process.cwd(), found) }
    if (dirname(folder) === folder || folder.endsWith('node_modules')) return { type: undefined, file: '' }
  }
}

function jsonOf(file: string): unknown {
  try {
    return JSON.parse(readGivenFile(file).toString())
  } catch {
    return undefined
  }
}

const withExports = z.object({ exports: z.unknown().optional(), main: z.string().optional() })

/** The file that an `import` of a package leads to; `undefined` if this code cannot resolve it. */
export function packageFile(specifier: string, from: string): string | undefined {
  const manifest = manifestOf(specifier, from)
  if (manifest === undefined) return undefined
  const name = /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier
  const subpath = `.${specifier.slice(name.length)}`
  const { exports, main } = withExports.catch({}).parse(jsonOf(manifest))
  const found = exports === undefined ? (subpath === '.' ? main : undefined) : matching(exports, subpath)
  return found === undefined ? undefined : join(dirname(manifest), found)
}

function manifestOf(specifier: string, from: string): string | undefined {
  try {
    return findPackageJSON(specifier, from)
  } catch {
    return undefined
  }
}

/** The target of `subpath`, without patterns, for an import by Node. */
function matching(exports: unknown, subpath: string): string | undefined {
  if (typeof exports === 'string') return subpath === '.' ? exports : undefined
  if (typeof exports !== 'object' || exports === null || Array.isArray(exports)) return undefined
  if (Object.keys(exports).some((key) => key.startsWith('.'))) return conditional(Reflect.get(exports, subpath))
  return subpath === '.' ? conditional(exports) : undefined
}

function conditional(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null) return undefined
  for (const [condition, then] of Object.entries(value)) {
    if (['node', 'import', 'module-sync', 'default'].includes(condition)) return conditional(then)
  }
  return undefined
}
