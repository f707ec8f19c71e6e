/** The files that an operating-system process may read: the modules that it runs, and the files of Node itself. */
import { readdirSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Node's shared libraries are in these folders. JavaScript code cannot read them: the permission model does not allow
 * it.
 */
const libraries = ['/lib', '/lib64', '/usr/lib', '/usr/lib64', '/etc/ld.so.cache', '/etc/localtime']

/** Returns the files that Node needs to start. */
export function systemFiles(): readonly string[] {
  return [realpathSync(process.execPath), ...libraries, ...linkedFolders()]
}

/** Returns the folders of the libraries that this process has loaded, if they are not in the usual places. */
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
 * Returns files and folders with modules, as absolute paths: the application's folder without names that begin with a
 * dot, Troupe, and the package folders of both.
 *
 * @param root - The application's folder.
 * @param modules - URLs of modules that each process loads.
 */
export function moduleFiles(root: string, modules: readonly string[]): readonly string[] {
  const packages = [import.meta.url, ...modules]
    .filter((url) => url.startsWith('file:'))
    .map((url) => packageOf(dirname(fileURLToPath(url))))
  const folders = [...new Set([...packages, ...installed(packages), ...installed([root])])]
  const above = [root, ...folders]
    .flatMap(ancestors)
    .flatMap((folder) => [join(folder, 'package.json'), join(folder, 'node_modules')])
  const own = readdirSync(root)
    .filter((name) => !name.startsWith('.'))
    .map((name) => join(root, name))
  return outermost([...own, ...folders, ...above])
}

/** Removes paths inside other paths: a folder includes its contents. */
function outermost(paths: readonly string[]): readonly string[] {
  const all = [...new Set(paths)]
  return all.filter((path) => !all.some((other) => path.startsWith(`${other}/`)))
}

const names = [
  'troupe',
  ...['runtime', 'core', 'registry', 'tsnet', 'network', 'policy', 'process', 'functions', 'http'].map(
    (name) => `@troupe/${name}`,
  ),
]

/** Returns the folders of Troupe's packages. In a workspace these are elsewhere. */
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
