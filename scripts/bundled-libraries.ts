/**
 * The libraries that the bundle contains: those that packages name only in `devDependencies`. Most are files of their
 * own, `lib-<name>.js`, so that a program loads only those that it uses.
 */
import { globSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, sep } from 'node:path'
import type { Plugin } from 'rolldown'
import { keysOf, manifestOf } from './manifest.ts'
import { isPlainBuiltin } from './plain-builtins.ts'
import { packageOf } from './published-package.ts'

const loadedLater = /\blazyModule(?:<[^(]*>)?\(\s*\(\) => createRequire\(import\.meta\.url\)\('([^']+)'/g
const licenceNames = /^(?:licen[cs]e|copying|notice)/i
/** It is bundled, and a dependency too: declarations import it. */
const ofDeclarations = 'zod'
/** These are loaded in most runs, so they are in the files of what uses them. */
const always = new Set(['js-yaml', 'xstate', 'zod'])
/** Packages that a library uses only if they are there. */
const optional = new Set(['bufferutil', 'utf-8-validate'])
const prefix = '\0lib:'

/** Returns which imports of the packages in `folders` stay imports. The packages themselves are bundled. */
export function externalOf(folders: readonly string[]): (id: string, importer?: string) => boolean {
  const packages = folders.map((folder) => ({ folder, manifest: manifestOf(folder) }))
  const bundled = new Set([...packages.map(({ manifest }) => String(manifest['name'])), ofDeclarations])
  const declared = new Set(packages.flatMap(({ manifest }) => runtimeDependencies(manifest)))
  const absent = new Set(packages.flatMap(({ manifest }) => optionalPeers(manifest)))
  return (id, importer) => {
    if (!/^[@\w]/.test(id)) return false
    if (isBuiltin(id)) return !isPlainBuiltin(id)
    const used = packageOf(id)
    const own = packages.find(({ folder }) => importer?.startsWith(folder + sep) === true)
    if (own !== undefined && !allNames(own.manifest).includes(used))
      throw new Error(`${importer} imports ${used}, which ${own.folder}/package.json does not name`)
    // A library requires what an application may do without.
    if (absent.has(used) && importer !== undefined && libraryFolder(importer) !== undefined) return false
    return !bundled.has(used) && (declared.has(used) || optional.has(used))
  }
}

function runtimeDependencies({ dependencies, peerDependencies }: Readonly<Record<string, unknown>>): string[] {
  return [...keysOf(dependencies), ...keysOf(peerDependencies)]
}

/** Packages that an application may have. */
function optionalPeers({ dependencies, peerDependenciesMeta }: Readonly<Record<string, unknown>>): readonly string[] {
  return keysOf(peerDependenciesMeta).filter((name) => !keysOf(dependencies).includes(name))
}

function allNames(manifest: Readonly<Record<string, unknown>>): readonly string[] {
  return [String(manifest['name']), ...runtimeDependencies(manifest), ...keysOf(manifest['devDependencies'])]
}

/** Makes what `lazyModule` loads later a file of the package, if the bundle contains it. */
export function lazyLibraries(external: (id: string) => boolean): Plugin {
  return {
    name: 'lazy-libraries',
    resolveId: (id) => (id.startsWith(prefix) ? id : null),
    load(id) {
      if (!id.startsWith(prefix)) return null
      const name = JSON.stringify(id.slice(prefix.length))
      // \`require\` returns this export of an ES module.
      return `import * as all from ${name}\nexport { all as 'module.exports' }\n`
    },
    transform(code) {
      if (!loadedLater.test(code)) return null
      const changed = code.replaceAll(loadedLater, (all: string, name: string) =>
        external(name) ? all : all.replace(`'${name}'`, `'./${lazyName(name)}.js'`),
      )
      return { code: changed, map: null }
    },
  }
}

/** Returns further entries of the bundle: the libraries that the sources load later. */
export function lazyEntries(texts: readonly string[], external: (id: string) => boolean): Record<string, string> {
  const names = texts.flatMap((text) => Array.from(text.matchAll(loadedLater), ([, name = '']) => name))
  return Object.fromEntries(names.filter((name) => !external(name)).map((name) => [lazyName(name), prefix + name]))
}

function lazyName(name: string): string {
  return `later-${plainName(name)}`
}

/** Returns the name of the file that contains a module, if it is a library's that has a file of its own. */
export function libraryName(id: string): string | null {
  const folder = libraryFolder(id)
  if (folder === undefined) return null
  const name = String(manifestOf(folder)['name'])
  return always.has(name) ? null : `lib-${plainName(name)}`
}

function plainName(name: string): string {
  return name.replace(/^@/, '').replaceAll('/', '-')
}

/** Returns the folder of the library that a module belongs to. */
export function libraryFolder(id: string): string | undefined {
  return /^\0?(.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/.exec(id)?.[1]
}

/** Returns the licence texts that the libraries of these modules require to be distributed with them. */
export function licencesOf(modules: Iterable<string>): string | undefined {
  const folders = [...new Set([...modules].flatMap((id) => libraryFolder(id) ?? []))]
  const parts = folders.map((folder) => {
    const { name, version, license } = manifestOf(folder)
    const files = globSync('*', { cwd: folder }).filter((file) => licenceNames.test(file))
    const texts = files.toSorted().map((file) => readFileSync(join(folder, file), 'utf8').trim())
    if (texts.length === 0) throw new Error(`${String(name)} contains no licence: ${folder}`)
    return `==== ${String(name)} ${String(version)} (${String(license)})\n\n${texts.join('\n\n')}\n`
  })
  return parts.length === 0 ? undefined : parts.toSorted().join('\n')
}
