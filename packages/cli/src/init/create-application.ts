/** Writes a new application into a folder, or adds one to a project. Never changes or replaces what is there. */
import { existsSync, globSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { invalid, TroupeError } from '@troupe/core'
import { NewFiles } from './new-files.ts'
import { json, type Layout, templateFiles, templateManifest } from './template.ts'

export interface CreateOptions {
  /** The folder, absolute; created if it does not exist. */
  readonly folder: string
  /** The version of Troupe to install. */
  readonly version: string
  /** A folder of packed packages, which are installed instead of the published ones. */
  readonly from?: string | undefined
}

/** What was done. */
export interface Created {
  readonly folder: string
  /** Files that were written. */
  readonly files: readonly string[]
  /** Files that were there, and were left as they are. */
  readonly kept: readonly string[]
  /** What was added to `package.json`, if that was there: `scripts.check`. */
  readonly added: readonly string[]
}

/**
 * Creates an application. If it fails, nothing of it is left behind.
 *
 * @throws TroupeError `AlreadyExists` when the folder is a file; `Invalid` for a `package.json` that is not an object,
 *   and for a folder of `from` without packages.
 * @throws an error of the file system.
 */
export function createApplication({ folder, version, from }: CreateOptions): Created {
  if (existsSync(folder) && !statSync(folder).isDirectory())
    throw new TroupeError('AlreadyExists', `${folder} is a file; name a folder`)
  const manifest = readManifest(folder)
  const packages = from === undefined ? undefined : packagesIn(resolve(from))
  const files = templateFiles(layoutOf(folder, manifest))
  const manifestFile = join(folder, 'package.json')
  const kept: string[] = []
  const news = new NewFiles()
  try {
    for (const [name, text] of Object.entries(files)) {
      if (existsSync(join(folder, name))) kept.push(name)
      else news.add(join(folder, name), text)
    }
    const written = Object.keys(files).filter((name) => !kept.includes(name))
    const wanted = allParts(templateManifest(packages?.get('troupe') ?? version), packages)
    if (manifest === undefined) {
      news.add(manifestFile, newManifest(basename(folder), wanted))
      return { folder, files: [...written, 'package.json'], kept, added: [] }
    }
    const { text, added } = completedManifest(manifest, manifestFile, wanted)
    if (added.length > 0) news.replace(manifestFile, text)
    return { folder, files: written, kept, added }
  } catch (error) {
    news.undo()
    throw error
  }
}

interface Manifest {
  readonly text: string
  readonly fields: Readonly<Record<string, unknown>>
}

function readManifest(folder: string): Manifest | undefined {
  const file = join(folder, 'package.json')
  if (!existsSync(file)) return undefined
  const text = readFileSync(file, 'utf8')
  try {
    // Editors on Windows begin it with a byte order mark.
    const fields: unknown = JSON.parse(text.replace(/^\uFEFF/, ''))
    if (isRecord(fields)) return { text, fields }
  } catch (cause) {
    throw invalid(`${file} is not JSON: ${String(cause)}`, { file })
  }
  throw invalid(`${file} does not contain an object`, { file })
}

/** In a project with sources, an application has a folder of its own among them. */
function layoutOf(folder: string, manifest: Manifest | undefined): Layout {
  const isModule = manifest === undefined || manifest.fields['type'] === 'module'
  const source = join(folder, 'src')
  const names = existsSync(source) ? readdirSync(source) : []
  const own = names.length === 0 || names.includes('_index.yaml')
  return {
    source: own ? 'src' : 'src/troupe',
    test: own ? 'test' : 'test/troupe',
    extension: isModule ? '.ts' : '.mts',
  }
}

type Parts = Readonly<Record<string, Readonly<Record<string, string>>>>

/** Packages that are not published cannot be found by the versions that they name: they are overridden. */
function allParts(wanted: Parts, packages: ReadonlyMap<string, string> | undefined): Parts {
  if (packages === undefined) return wanted
  return { ...wanted, overrides: Object.fromEntries([...packages].filter(([name]) => name !== 'troupe')) }
}

function newManifest(folder: string, wanted: Parts): string {
  const common = { name: packageName(folder), version: '0.0.0', private: true, type: 'module' }
  return json({ ...common, engines: { node: '>=24' }, ...wanted })
}

/** The manifest with what was missing, and the names of that. Byte order mark, indent and line ends stay. */
function completedManifest(
  { fields, text }: Manifest,
  file: string,
  wanted: Parts,
): { readonly text: string; readonly added: readonly string[] } {
  const added: string[] = []
  const changed: Record<string, unknown> = { ...fields }
  for (const [part, values] of Object.entries(wanted)) {
    const before = fields[part] ?? {}
    if (!isRecord(before)) throw invalid(`${file}: "${part}" is not an object`, { file, path: part })
    const other = part === 'devDependencies' && isRecord(fields['dependencies']) ? fields['dependencies'] : {}
    const missing = Object.entries(values).filter(([name]) => before[name] === undefined && other[name] === undefined)
    if (missing.length === 0) continue
    changed[part] = { ...before, ...Object.fromEntries(missing) }
    added.push(...missing.map(([name]) => `${part}.${name}`))
  }
  const indent = /^[ \t]+(?=")/m.exec(text)?.[0] ?? 2
  const mark = text.startsWith('\uFEFF') ? '\uFEFF' : ''
  const lines = json(changed, indent)
  return { text: mark + (text.includes('\r\n') ? lines.replaceAll('\n', '\r\n') : lines), added }
}

/** The packed packages in a folder: their files by their names. */
function packagesIn(folder: string): ReadonlyMap<string, string> {
  const files = globSync('troupe-*.tgz', { cwd: folder })
  const found = files.flatMap((file) => {
    const name = /^troupe-(?:([a-z][a-z0-9-]*)-)?\d+\.\d+\.\d+.*\.tgz$/.exec(file)
    if (name === null) return []
    return [[name[1] === undefined ? 'troupe' : `@troupe/${name[1]}`, `file:${join(folder, file)}`] as const]
  })
  if (found.some(([name]) => name === 'troupe')) return new Map(found)
  throw invalid(`${folder} contains no packed package "troupe" (troupe-1.2.3.tgz)`, { folder })
}

/** Names that npm refuses, or that packages of the application have. */
const takenNames: ReadonlySet<string> = new Set(['node_modules', 'favicon.ico', 'troupe', 'typescript'])
/** The longest name of a package. */
const longestName = 214

function packageName(folder: string): string {
  const name = folder
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .slice(0, longestName)
    .replaceAll(/^[._-]+|-+$/g, '')
  if (takenNames.has(name)) return `${name}-app`
  return name === '' ? 'app' : name
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
