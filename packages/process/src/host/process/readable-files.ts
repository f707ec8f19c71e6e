/** What a process of its own reads: the modules that it runs, and what Node itself is made of. */
import { readdirSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Below these lies what Node is linked to. Its code reads none of it: there is no permission for that. */
const libraries = ['/lib', '/lib64', '/usr/lib', '/usr/lib64', '/etc/ld.so.cache', '/etc/localtime']

/** What has to be there for Node to start. */
export function systemFiles(): readonly string[] {
  return [realpathSync(process.execPath), ...libraries, ...linkedFolders()]
}

/** Where the libraries lie that this process has loaded, if that is not where they usually do. */
function linkedFolders(): readonly string[] {
  try {
    const files = readFileSync('/proc/self/maps', 'utf8').matchAll(/ (\/\S+\.so[.\d]*)$/gm)
    const folders = Array.from(files, ([, file = '']) => dirname(file))
    return [...new Set(folders)].filter((folder) => !libraries.some((known) => `${folder}/`.startsWith(`${known}/`)))
  } catch {
    return []
  }
}

/**
 * Files and folders with modules, as absolute paths: the application's folder but for names that begin with a dot, Troupe, and the folders of
 * packages above both.
 *
 * @param root - The application's folder.
 * @param modules - URLs of modules that each process loads.
 */
export function moduleFiles(root: string, modules: readonly string[]): readonly string[] {
  const packages = [import.meta.url, ...modules]
    .filter((url) => url.startsWith('file:'))
    .map((url) => packageOf(dirname(fileURLToPath(url))))
  const folders = [...new Set([...packages, ...installed(packages), ...installed([root])])]
  const above = [root, ...folders].flatMap(ancestors).flatMap((folder) => [join(folder, 'package.json'), join(folder, 'node_modules')])
  const own = readdirSync(root)
    .filter((name) => !name.startsWith('.'))
    .map((name) => join(root, name))
  return outermost([...own, ...folders, ...above])
}

/** A folder brings what is below it. */
function outermost(paths: readonly string[]): readonly string[] {
  const all = [...new Set(paths)]
  return all.filter((path) => !all.some((other) => path.startsWith(`${other}/`)))
}

const names = [
  'troupe',
  ...['core', 'registry', 'tsnet', 'network', 'policy', 'process', 'functions', 'http'].map((name) => `@troupe/${name}`),
]

/** The folders of Troupe's packages, of which those of a workspace lie elsewhere. */
function installed(from: readonly string[]): readonly string[] {
  const found = from.flatMap(ancestors).flatMap((folder) => names.map((name) => join(folder, 'node_modules', name)))
  return found.flatMap((folder) => real(folder))
}

function packageOf(folder: string): string {
  const found = ancestors(folder).find((above) => list(above).includes('package.json'))
  return found ?? folder
}

function ancestors(folder: string): string[] {
  const above = dirname(folder)
  return above === folder ? [folder] : [folder, ...ancestors(above)]
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function real(path: string): readonly string[] {
  try {
    return [realpathSync(path)]
  } catch {
    return []
  }
}
