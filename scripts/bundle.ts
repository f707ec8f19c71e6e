/** Bundles sources with rolldown: the output loads few files, and its source maps contain the sources. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, posix, relative, sep } from 'node:path'
import { type Plugin, rolldown } from 'rolldown'
import { libraryFolder, libraryName } from './bundled-libraries.ts'
import { isBuiltinModule } from './plain-builtins.ts'
import { makeScripts } from './script-chunks.ts'

/** Matches `new URL('../main.ts', import.meta.url)`, up to an extension that is chosen at run time. */
export const ownUrl = /\bnew URL\(\s*(['"`])(\.{1,2}\/[\w./-]+)/g

/** A part of the output: all modules that `entries` import, except those of the parts before it. */
export interface Part {
  readonly name: string
  /** Absolute paths. */
  readonly entries: readonly string[]
  /** The entries are part of it: they do nothing when they are loaded. @default false */
  readonly isPure?: boolean
}

export interface BundleOptions {
  /** Absolute paths of entries, keyed by their names in the output. */
  readonly input: Readonly<Record<string, string>>
  /** Source folders of packages, keyed by the prefix that names of their entries have. */
  readonly sources: Readonly<Record<string, string>>
  /** Whether an import of another package stays an import. */
  readonly isExternal: (id: string, importer?: string) => boolean
  /** The folder to which the files are written. */
  readonly target: string
  /** Each becomes one file. What is in none of them is divided by use. @default none */
  readonly parts?: readonly Part[]
  readonly plugins?: readonly Plugin[]
  /** Path of the module that loads shared files as scripts. @default they are modules */
  readonly scriptLoader?: string
}

/** What a bundle contains. */
export interface Bundled {
  readonly modules: readonly string[]
  /** The exports of each entry, keyed by its name. */
  readonly names: ReadonlyMap<string, readonly string[]>
}

/** Writes a bundle: a file for each entry, and files of what they share. */
export async function bundle(options: BundleOptions): Promise<Bundled> {
  const { input, sources, target, parts = [], plugins = [] } = options
  const members = new Map<string, ReadonlySet<string>>()
  const build = await rolldown({
    input,
    platform: 'node',
    external: (id, importer) => options.isExternal(id, importer),
    plugins: [
      withoutMapsOfLibraries,
      flatUrls(sources),
      divide(parts, new Set(Object.values(input)), members),
      ...plugins,
    ],
    preserveEntrySignatures: 'strict',
    treeshake: { propertyReadSideEffects: false },
  })
  const { output } = await build.write({
    dir: target,
    format: 'esm',
    sourcemap: true,
    // As if the sources were in the package: the frames of a stack are recognised as those of Troupe.
    sourcemapPathTransform: (path) => path.replace(/^.*\/packages\/([^/]+)\/src\//, '../src/$1/'),
    comments: false,
    entryFileNames: '[name].js',
    chunkFileNames: ({ name }) => (name.startsWith('lib-') ? '[name].js' : 'shared-[name]-[hash].js'),
    codeSplitting: {
      groups: [
        // Before the libraries, whose groups would take in what they import.
        ...[...parts.map(({ name }) => name), undefined].map((name, index) => ({
          name: `node-${name ?? 'more'}`,
          test: (id: string) => isBuiltinModule(id) && (name === undefined || members.get(name)?.has(id) === true),
          priority: 2 * parts.length + 2 - index,
        })),
        { name: libraryName, debugName: 'libraries', priority: parts.length + 1 },
        ...parts.map(({ name }, index) => ({
          name,
          test: (id: string) => members.get(name)?.has(id) ?? false,
          priority: parts.length - index,
        })),
      ],
    },
  })
  await build.close()
  const chunks = output.filter((file) => file.type === 'chunk')
  const files = chunks.map(({ fileName }) => fileName)
  if (options.scriptLoader !== undefined) await makeScripts(target, files, options.scriptLoader)
  for (const file of files) escapeUnicode(join(target, file))
  return {
    modules: chunks.flatMap(({ moduleIds }) => moduleIds),
    names: new Map(chunks.flatMap((file) => (file.isEntry ? [[file.name, file.exports]] : []))),
  }
}

/** Returns the name of the bundle of a source, without an extension. All bundles are in one folder. */
export function bundledName(source: string): string {
  return source
    .replace(/^src\//, '')
    .replace(/\.ts$/, '')
    .replaceAll('/', '-')
}

/** V8 keeps a source with two bytes for each character if one of them needs two. Lines stay in their places. */
function escapeUnicode(file: string): void {
  const code = readFileSync(file, 'utf8')
  // Without the flag `u`, this matches each half of a pair.
  const escaped = code.replaceAll(
    /[\u0080-\uFFFF]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  if (escaped !== code) writeFileSync(file, escaped)
}

/** Maps of libraries would be larger than their code, and are not needed to find faults of Troupe. */
const withoutMapsOfLibraries: Plugin = {
  name: 'without-maps-of-libraries',
  transform: (code, id) => (libraryFolder(id) === undefined ? null : { code, map: { mappings: '' } }),
}

/** Finds the modules of each part. Entries stay alone: others must not run what they do when they are loaded. */
function divide(
  parts: readonly Part[],
  entries: ReadonlySet<string>,
  members: Map<string, ReadonlySet<string>>,
): Plugin {
  return {
    name: 'divide',
    buildEnd() {
      const taken = new Set(entries)
      for (const { name, entries: roots, isPure = false } of parts) {
        const found = new Set<string>()
        const waiting = [...roots]
        for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
          const info = found.has(id) ? null : this.getModuleInfo(id)
          if (info === null) continue
          found.add(id)
          waiting.push(...info.importedIds)
        }
        if (isPure) for (const id of roots) taken.delete(id)
        members.set(name, found.difference(taken))
        for (const id of found) taken.add(id)
      }
    },
  }
}

/** Makes URLs of the packages' own files start at the folder of the bundles. */
function flatUrls(sources: BundleOptions['sources']): Plugin {
  return {
    name: 'flat-urls',
    transform(code, id) {
      const [prefix, folder] = Object.entries(sources).find(([, each]) => id.startsWith(each + sep)) ?? []
      if (prefix === undefined || folder === undefined || !code.includes('import.meta.url')) return null
      const own = posix.dirname(relative(folder, id).split(sep).join('/'))
      const changed = code.replaceAll(ownUrl, (all: string, quote: string, path: string) => {
        const flat = posix.join(own, path)
        // Texts may contain such a URL too.
        if (path.endsWith('.ts') && !existsSync(`${folder}/${flat}`)) return all
        return `new URL(${quote}${flat.startsWith('../') ? flat : `./${prefix}${flat.replaceAll('/', '-')}`}`
      })
      // Lines stay in their places.
      return { code: changed, map: null }
    },
  }
}
